//! A text for people → Narrative.

use serde::Serialize;

use super::super::text;

/// XHTML of one paragraph: the text, with everything in it that XHTML would read as markup escaped.
#[derive(Serialize)]
pub struct Narrative {
    /// It says what the structured data do not.
    status: &'static str,
    div: String,
}

impl Narrative {
    /// `None` for a blank text (`txt-2`).
    #[must_use]
    pub fn new(sent: &str) -> Option<Self> {
        let text = text::string(sent)?;
        let mut div = String::with_capacity(text.len() + 64);
        div.push_str(r#"<div xmlns="http://www.w3.org/1999/xhtml"><p>"#);
        for c in text.chars() {
            match c {
                '<' => div.push_str("&lt;"),
                '>' => div.push_str("&gt;"),
                '&' => div.push_str("&amp;"),
                '"' => div.push_str("&quot;"),
                c => div.push(c),
            }
        }
        div.push_str("</p></div>");
        Some(Self { status: "additional", div })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_in_a_text_is_text() {
        let narrative = Narrative::new("<script>a & \"b\"</script>").unwrap();
        assert_eq!(
            narrative.div,
            "<div xmlns=\"http://www.w3.org/1999/xhtml\"><p>&lt;script&gt;a &amp; &quot;b&quot;\
             &lt;/script&gt;</p></div>"
        );
        assert!(Narrative::new(" ").is_none());
    }
}
