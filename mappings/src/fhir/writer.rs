//! Resources → JSON, in one line: the bytes that serde_json writes, in half the time.
//!
//! Most of a resource is text in which nothing is to be escaped: it is looked at eight bytes at a
//! time and copied whole, where serde_json looks at each byte. And nothing can fail, since all of
//! it is written to memory.

use std::fmt;

use serde::ser::{
    Impossible, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeTuple, Serializer,
};

use super::words::{below, has};

/// The name of a newtype of text whose text is a JSON number, to be written as it stands.
pub(super) const NUMBER: &str = "JSON number";

/// Room for most resources at once, an Encounter with its movements included.
const BYTES: usize = 8_192;

/// `resource`, whose keys are text that needs no escaping, and whose numbers are integers or text.
pub(super) fn written(resource: &impl Serialize) -> Vec<u8> {
    let mut writer = Writer { room: vec![0; BYTES], length: 0 };
    resource.serialize(&mut writer).expect("nothing that a resource does not hold");
    // Much of what is written is kept: with not a byte to spare.
    writer.room[..writer.length].to_vec()
}

struct Writer {
    /// What is written, and zeros.
    room: Vec<u8>,
    length: usize,
}

impl Writer {
    /// The next `bytes`, of which what is written counts from then on.
    #[inline]
    fn next(&mut self, bytes: usize) -> &mut [u8] {
        let from = self.length;
        if self.room.len() - from < bytes {
            self.grow(bytes);
        }
        self.length = from + bytes;
        &mut self.room[from..from + bytes]
    }

    #[cold]
    fn grow(&mut self, bytes: usize) {
        self.room.resize(2 * self.room.len() + bytes, 0);
    }

    #[inline]
    fn push(&mut self, byte: u8) {
        self.next(1)[0] = byte;
    }

    #[inline]
    fn text(&mut self, text: &str) {
        let from = self.length;
        let [start, inner @ .., end] = self.next(text.len() + 2) else { return };
        (*start, *end) = (b'"', b'"');
        if !copy_plain(text.as_bytes(), inner) {
            self.length = from;
            self.escaped(text);
        }
    }

    #[cold]
    fn escaped(&mut self, text: &str) {
        self.push(b'"');
        for byte in text.bytes() {
            let letter = match byte {
                b'"' | b'\\' => byte,
                b'\n' => b'n',
                b'\r' => b'r',
                b'\t' => b't',
                0x08 => b'b',
                0x0c => b'f',
                0..0x20 => {
                    let low = b"0123456789abcdef"[usize::from(byte & 15)];
                    let code = [b'\\', b'u', b'0', b'0', b'0' + (byte >> 4), low];
                    self.next(6).copy_from_slice(&code);
                    continue;
                }
                _ => {
                    self.push(byte);
                    continue;
                }
            };
            self.next(2).copy_from_slice(&[b'\\', letter]);
        }
        self.push(b'"');
    }

    /// A field's name has nothing to escape.
    #[inline(always)]
    fn key(&mut self, key: &'static str) {
        let [start, name @ .., end, colon] = self.next(key.len() + 3) else { return };
        name.copy_from_slice(key.as_bytes());
        (*start, *end, *colon) = (b'"', b'"', b':');
    }

    /// Each entry leaves a comma behind it, the last one too.
    #[inline]
    fn close(&mut self, bracket: u8) {
        if self.room[self.length - 1] == b',' {
            self.length -= 1;
        }
        self.push(bracket);
    }
}

/// Copies `text`, and tells whether it has no quote, backslash or control character.
#[inline]
fn copy_plain(text: &[u8], to: &mut [u8]) -> bool {
    let special = |word: u64| below(word, 0x20) | has(word, b'"') | has(word, b'\\');
    if let (Some(last), Some(end)) = (text.last_chunk::<8>(), to.last_chunk_mut::<8>()) {
        *end = *last;
        let mut found = special(u64::from_ne_bytes(*last));
        // Texts are some words long: not worth what it takes to begin a loop over vectors.
        let (mut text, mut to) = (text, to);
        while let (Some((word, text_after)), Some((place, to_after))) =
            (text.split_first_chunk::<8>(), to.split_first_chunk_mut::<8>())
        {
            *place = *word;
            found |= special(u64::from_ne_bytes(*word));
            (text, to) = (text_after, to_after);
        }
        return found == 0;
    }
    let mut found = false;
    for (byte, to) in text.iter().zip(to) {
        *to = *byte;
        found |= *byte < 0x20 || matches!(byte, b'"' | b'\\');
    }
    !found
}

/// What a resource never holds.
macro_rules! refused {
    ($($name:ident($($argument:ty),*) -> $ok:ty;)+) => {
        $(fn $name(self, $(_: $argument),*) -> Result<$ok, fmt::Error> {
            Err(fmt::Error)
        })+
    };
}

macro_rules! integers {
    ($($name:ident($integer:ty);)+) => {
        $(fn $name(self, value: $integer) -> Result<(), fmt::Error> {
            let text = value.to_string();
            self.next(text.len()).copy_from_slice(text.as_bytes());
            Ok(())
        })+
    };
}

impl<'a> Serializer for &'a mut Writer {
    type Ok = ();
    type Error = fmt::Error;
    type SerializeSeq = Entries<'a>;
    type SerializeTuple = Entries<'a>;
    type SerializeMap = Entries<'a>;
    type SerializeStruct = Entries<'a>;
    type SerializeTupleStruct = Impossible<(), fmt::Error>;
    type SerializeTupleVariant = Impossible<(), fmt::Error>;
    type SerializeStructVariant = Impossible<(), fmt::Error>;

    #[inline]
    fn serialize_str(self, text: &str) -> Result<(), fmt::Error> {
        self.text(text);
        Ok(())
    }

    fn serialize_bool(self, value: bool) -> Result<(), fmt::Error> {
        let word = if value { "true" } else { "false" };
        self.next(word.len()).copy_from_slice(word.as_bytes());
        Ok(())
    }

    #[inline]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), fmt::Error> {
        value.serialize(self)
    }

    #[inline]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<(), fmt::Error> {
        let from = self.length;
        value.serialize(&mut *self)?;
        if name == NUMBER {
            // Without its quotes.
            self.room.copy_within(from + 1..self.length, from);
            self.length -= 2;
        }
        Ok(())
    }

    #[inline]
    fn serialize_seq(self, _: Option<usize>) -> Result<Entries<'a>, fmt::Error> {
        self.push(b'[');
        Ok(Entries(self))
    }

    #[inline]
    fn serialize_tuple(self, _: usize) -> Result<Entries<'a>, fmt::Error> {
        self.serialize_seq(None)
    }

    #[inline]
    fn serialize_map(self, _: Option<usize>) -> Result<Entries<'a>, fmt::Error> {
        self.push(b'{');
        Ok(Entries(self))
    }

    #[inline]
    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Entries<'a>, fmt::Error> {
        self.serialize_map(None)
    }

    integers! {
        serialize_i32(i32);
        serialize_u32(u32);
        serialize_u64(u64);
    }

    refused! {
        serialize_i8(i8) -> ();
        serialize_i16(i16) -> ();
        serialize_i64(i64) -> ();
        serialize_u8(u8) -> ();
        serialize_u16(u16) -> ();
        serialize_f32(f32) -> ();
        serialize_f64(f64) -> ();
        serialize_char(char) -> ();
        serialize_bytes(&[u8]) -> ();
        serialize_none() -> ();
        serialize_unit() -> ();
        serialize_unit_struct(&'static str) -> ();
        serialize_unit_variant(&'static str, u32, &'static str) -> ();
        serialize_tuple_struct(&'static str, usize) -> Self::SerializeTupleStruct;
        serialize_tuple_variant(&'static str, u32, &'static str, usize)
            -> Self::SerializeTupleVariant;
        serialize_struct_variant(&'static str, u32, &'static str, usize)
            -> Self::SerializeStructVariant;
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), fmt::Error> {
        Err(fmt::Error)
    }
}

/// An array or an object that is open.
struct Entries<'a>(&'a mut Writer);

impl SerializeSeq for Entries<'_> {
    type Ok = ();
    type Error = fmt::Error;

    #[inline]
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), fmt::Error> {
        value.serialize(&mut *self.0)?;
        self.0.push(b',');
        Ok(())
    }

    #[inline]
    fn end(self) -> Result<(), fmt::Error> {
        self.0.close(b']');
        Ok(())
    }
}

impl SerializeTuple for Entries<'_> {
    type Ok = ();
    type Error = fmt::Error;

    #[inline]
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), fmt::Error> {
        SerializeSeq::serialize_element(self, value)
    }

    #[inline]
    fn end(self) -> Result<(), fmt::Error> {
        SerializeSeq::end(self)
    }
}

impl SerializeMap for Entries<'_> {
    type Ok = ();
    type Error = fmt::Error;

    #[inline]
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), fmt::Error> {
        key.serialize(&mut *self.0)?;
        self.0.push(b':');
        Ok(())
    }

    #[inline]
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), fmt::Error> {
        SerializeSeq::serialize_element(self, value)
    }

    #[inline]
    fn end(self) -> Result<(), fmt::Error> {
        self.0.close(b'}');
        Ok(())
    }
}

impl SerializeStruct for Entries<'_> {
    type Ok = ();
    type Error = fmt::Error;

    #[inline(always)]
    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), fmt::Error> {
        self.0.key(key);
        SerializeSeq::serialize_element(self, value)
    }

    #[inline]
    fn end(self) -> Result<(), fmt::Error> {
        SerializeMap::end(self)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use serde::Serialize;

    use super::*;

    fn json(value: &impl Serialize) -> String {
        String::from_utf8(written(value)).unwrap()
    }

    #[derive(Serialize)]
    struct Resource {
        #[serde(rename = "resourceType")]
        of_type: String,
        numbers: (i32, u32, u64),
        empty: Vec<bool>,
        #[serde(skip_serializing_if = "Option::is_none")]
        flag: Option<bool>,
        #[serde(flatten)]
        value: Value,
        lists: Vec<Vec<String>>,
        map: BTreeMap<&'static str, String>,
    }

    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    enum Value {
        ValueString(String),
        ValueNothing {},
    }

    #[test]
    fn what_a_resource_never_holds_is_refused() {
        let mut writer = Writer { room: vec![0; BYTES], length: 0 };
        assert!(Value::ValueString("A".into()).serialize(&mut writer).is_err(), "a variant");
        assert!('A'.serialize(&mut writer).is_err());
        assert!(().serialize(&mut writer).is_err());
        assert!(1.5_f64.serialize(&mut writer).is_err(), "numbers are integers or text");
    }

    proptest! {
        #[test]
        fn what_is_written_is_what_serde_json_writes(
            texts in prop::collection::vec("[ -~\\x00-\\x1fé€\u{7f}😀]{0,40}", 5),
            numbers in any::<(i32, u32, u64)>(),
            flag in any::<Option<bool>>(),
        ) {
            let [of_type, value, first, second, third] = <[String; 5]>::try_from(texts).unwrap();
            let resource = Resource {
                of_type,
                numbers,
                empty: Vec::new(),
                flag,
                value: if value.is_empty() { Value::ValueNothing {} } else { Value::ValueString(value) },
                lists: vec![vec![], vec![first, second]],
                map: [("a-key", third)].into(),
            };
            prop_assert_eq!(json(&resource), serde_json::to_string(&resource).unwrap());
        }
    }

    #[test]
    fn each_byte_is_escaped_as_serde_json_does_wherever_it_stands() {
        for byte in 0..0x80_u8 {
            for length in [1, 7, 8, 9, 20] {
                for at in 0..length {
                    let mut text = vec![b'x'; length];
                    text[at] = byte;
                    let text = String::from_utf8(text).unwrap();
                    assert_eq!(json(&text), serde_json::to_string(&text).unwrap());
                }
            }
        }
    }

    #[test]
    fn what_is_displayed_is_text_and_a_number_keeps_its_digits() {
        struct Shown;
        impl Serialize for Shown {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str("a \"word\"")
            }
        }
        struct Number;
        impl Serialize for Number {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_newtype_struct(NUMBER, "-3.50")
            }
        }
        assert_eq!(json(&(Shown, Number)), r#"["a \"word\"",-3.50]"#);
    }

    #[test]
    #[should_panic(expected = "nothing that a resource does not hold")]
    fn a_binary_fraction_is_refused() {
        json(&0.1);
    }
}
