"""Whether decoding gives the text back."""

from tokkit.metrics.base import METRICS, Batch, Ratio


@METRICS.register("round_trip")
class RoundTrip(Ratio):
    """Share of documents d with decode(encode(d)) == d, character for character. Normalising tokenizers fall short."""

    name = "round_trip"
    unit = "share of documents"
    better = "higher"
    undefined = "no documents"

    def parts(self, batch: Batch) -> tuple[int, int]:
        """Documents that came back, and documents."""
        returned = 0
        for index, text in enumerate(batch.texts):
            ids = batch.ids[batch.offsets[index] : batch.offsets[index + 1]].tolist()
            returned += batch.subject.decode(ids) == text
        return returned, len(batch.texts)
