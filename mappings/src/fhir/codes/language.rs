//! PID-15 → BCP 47 (R4: preferred binding; R5: required, so what is not here is omitted there).

/// ISO 639-1 and both forms of 639-2, for the languages that patients in our feeds have said to
/// speak; a tag that already is one (`fr-FR`) by its first part.
#[must_use]
pub fn language(sent: &str) -> Option<&'static str> {
    let lower = sent.trim().to_ascii_lowercase();
    let first = lower.split(['-', '_']).next().unwrap_or_default();
    Some(match first {
        "ar" | "ara" => "ar",
        "bg" | "bul" => "bg",
        "br" | "bre" => "br",
        "ca" | "cat" => "ca",
        "cs" | "ces" | "cze" => "cs",
        "da" | "dan" => "da",
        "de" | "deu" | "ger" => "de",
        "el" | "ell" | "gre" => "el",
        "en" | "eng" => "en",
        "es" | "spa" => "es",
        "et" | "est" => "et",
        "eu" | "eus" | "baq" => "eu",
        "fa" | "fas" | "per" => "fa",
        "fi" | "fin" => "fi",
        "fr" | "fra" | "fre" => "fr",
        "ga" | "gle" => "ga",
        "he" | "heb" => "he",
        "hi" | "hin" => "hi",
        "hr" | "hrv" => "hr",
        "hu" | "hun" => "hu",
        "hy" | "hye" | "arm" => "hy",
        "it" | "ita" => "it",
        "ja" | "jpn" => "ja",
        "ko" | "kor" => "ko",
        "lt" | "lit" => "lt",
        "lv" | "lav" => "lv",
        "nl" | "nld" | "dut" => "nl",
        "no" | "nor" => "no",
        "pl" | "pol" => "pl",
        "ps" | "pus" => "ps",
        "pt" | "por" => "pt",
        "ro" | "ron" | "rum" => "ro",
        "ru" | "rus" => "ru",
        "sk" | "slk" | "slo" => "sk",
        "sl" | "slv" => "sl",
        "so" | "som" => "so",
        "sq" | "sqi" | "alb" => "sq",
        "sr" | "srp" => "sr",
        "sv" | "swe" => "sv",
        "ta" | "tam" => "ta",
        "tr" | "tur" => "tr",
        "uk" | "ukr" => "uk",
        "ur" | "urd" => "ur",
        "vi" | "vie" => "vi",
        "zh" | "zho" | "chi" => "zh",
        _ => return None,
    })
}
