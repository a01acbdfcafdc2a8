//! Named, versioned pre-tokenizers.
