//! What holds whatever comes in: laws, tried on inputs that nobody would write by hand.
//!
//! `cargo test` tries some hundred inputs of each, `cargo xtask fuzz` as many as it is told, from a seed that it prints.

mod hostile;
mod plans;
mod policies;
mod texts;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;

/// A part of the inputs that are wanted in all, for what takes its time. They are drawn from the seed that is given, and
/// otherwise from one that is always the same: what fails here fails everywhere.
pub(crate) fn config(part: u32) -> ProptestConfig {
    let given = ProptestConfig::default();
    ProptestConfig {
        cases: (given.cases / part).max(8),
        rng_seed: match given.rng_seed {
            RngSeed::Random => RngSeed::Fixed(1),
            seed @ RngSeed::Fixed(_) => seed,
        },
        failure_persistence: None,
        ..given
    }
}

/// Pieces of text that mean something to somebody on the way: to a shell, IAM, JSON, YAML, Python, a terminal, a URL, a
/// regular expression, this program's own references.
pub(crate) const PIECES: &[&str] = &[
    "\n",
    "\r\n",
    "\t",
    "\0",
    " ",
    "'",
    "\"",
    "\\",
    "`id`",
    "$(id)",
    "${IFS}",
    "$HOME",
    "${aws:username}",
    "${aws:PrincipalTag/x}",
    "${*}",
    "${$}",
    "*",
    "?",
    "**",
    "..",
    "/../",
    "//",
    ";",
    "&&",
    "|",
    ">x",
    "<x",
    "#",
    "!",
    "~",
    "-",
    "--",
    "--help",
    "%0a",
    "%s",
    "{}",
    "{{x}}",
    "{0}",
    "[x]",
    "<b>",
    "&amp;",
    "]]>",
    "⟦Vpc/main.id⟧",
    "⟦",
    "⟧",
    "\u{202e}",
    "\u{200b}",
    "\u{feff}",
    "é",
    "e\u{301}",
    "𝒳",
    "ſ",
    "İ",
    "０",
    ":",
    ",",
    "=",
    "@",
    "arn:aws:iam::*:root",
    "AKIAIOSFODNN7EXAMPLE",
    "'; touch x; '",
    "\"; touch x; \"",
    "$(touch x)",
    "`touch x`",
    "\n#@values\n",
    "\nEOF\n",
];

/// Any text, with a liking for those that break things.
pub(crate) fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::collection::vec(prop::sample::select(PIECES), 0..5).prop_map(|pieces| pieces.concat()),
        "(?s).{0,40}",
        "[a-z]{0,3}".prop_flat_map(|start| (250_usize..700).prop_map(move |times| start.clone() + &"x".repeat(times))),
    ]
}

/// What is nearly `sound`: something stands before, in, behind or in the place of it.
pub(crate) fn nearly(sound: String) -> impl Strategy<Value = String> {
    let letters = sound.chars().count();
    (0..=letters, text(), 0_u8..8).prop_map(move |(at, piece, whole)| {
        let (start, end): (String, String) = (sound.chars().take(at).collect(), sound.chars().skip(at).collect());
        if whole == 0 { piece } else { start + &piece + &end }
    })
}
