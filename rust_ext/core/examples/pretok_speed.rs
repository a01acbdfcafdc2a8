//! Speed of a pre-tokenizer on one thread: `cargo run --release --example pretok_speed FILE llama-bpe@1 gpt2@1`.
#![allow(clippy::print_stdout)]

use std::time::Instant;
use tokkit_core::{Result, pretok::Scheme};

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let text = std::fs::read(arguments.next().ok_or("which file?")?)?;
    for name in arguments {
        let scheme = Scheme::by_name(&name)?;
        let speeds = (0..5).map(|_| speed(&scheme, &text)).collect::<Result<Vec<_>>>()?;
        let (n_pretokens, best) = speeds.iter().fold((0, 0.0_f64), |(_, best), &(n, speed)| (n, best.max(speed)));
        println!("{name:16} {n_pretokens:>11} pretokens {best:8.0} MB/s (best of 5)");
    }
    Ok(())
}

fn speed(scheme: &Scheme, text: &[u8]) -> Result<(u64, f64)> {
    let start = Instant::now();
    let (mut n_pretokens, mut check) = (0_u64, 0_u64);
    scheme.scan(text, |begin, end| {
        n_pretokens += 1;
        check ^= (begin as u64) << 20 ^ end as u64;
    })?;
    std::hint::black_box(check);
    Ok((n_pretokens, text.len() as f64 / 1e6 / start.elapsed().as_secs_f64()))
}
