//! HL7v2 messages by HTTP POST, as HAPI's hl7-over-http specification has it.
//!
//! - **Media types.** `application/hl7-v2`, `application/hl7-v2+er7` and `x-application/hl7-v2+er7` mean
//!   the same and come back as they came; the XML encoding is refused (415).
//! - **Character set.** The one that Content-Type names holds, and MSH-18 gives way (§2.4): what is not
//!   UTF-8, and not what MSH-18 says either, is turned into UTF-8 before it is kept. Where
//!   Content-Type names none, MSH-18 holds as over MLLP.
//! - **Status.** An acknowledgement is an answer: 200, whatever its MSA-1 says (§2.6). Other statuses
//!   are for what was not handed to the engine, or not taken by it for now (503), and never carry HL7.
//! - **Order.** Messages are taken in the order in which their bodies have come; a sender that cares
//!   waits for each answer.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use axum::body::Body;
use axum::http::header::{self, HeaderValue};
use axum::http::request::Parts;
use axum::http::{Response, StatusCode};
use bytes::Bytes;
use sluice_ids::EjId;
use sluice_mappings::hl7::MshRaw;
use sluice_mappings::hl7::charset::{Charset, Declared, decode};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError};

use crate::app::App;
use crate::call::Call;
use crate::fault::Fault;
use crate::gate;
use crate::role::Reach;

/// The channels that take messages by HTTP. Answers from memory, never waits.
pub trait Inbound: Send + Sync + 'static {
    /// The way into a channel; `None` where no such channel takes messages in this way now.
    fn way(&self, channel: &str) -> Option<Way>;
}

/// One channel's way in.
pub struct Way {
    /// The EJs that a message may turn out to be for.
    pub ejs: Arc<[EjId]>,
    pub message_bytes_max: usize,
    /// A place for each message that is read or waits for its answer.
    pub places: Arc<Semaphore>,
    pub post: Arc<dyn Post>,
}

pub trait Post: Send + Sync + 'static {
    /// Puts a message in line before it returns; what it comes to is known later. The message is
    /// taken even where nobody waits for that.
    fn take(&self, message: Bytes) -> PostedFuture;
}

pub type PostedFuture = Pin<Box<dyn Future<Output = Posted> + Send>>;

/// What a message came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Posted {
    /// The acknowledgement, of what was kept or will never be.
    Answered(Bytes),
    /// It asked for none.
    Silent,
    /// Not taken: the same bytes can be taken later.
    NotNow,
    /// It cannot be known whether it was kept: it is to be sent again.
    Unknown,
}

const MEDIA: [&str; 3] =
    ["application/hl7-v2", "application/hl7-v2+er7", "x-application/hl7-v2+er7"];

/// What came of a request, for its answer.
pub(crate) struct Handed {
    posted: Posted,
    media: &'static str,
    /// The acknowledgement quotes the message, in this.
    charset: Option<Charset>,
}

/// Reads a message and hands it over. `reach` is the caller's: who may not send for each EJ of a
/// channel is told that there is none.
pub(crate) async fn hand_over(
    app: &App,
    parts: &Parts,
    channel: &str,
    reach: &Reach,
    body: Body,
) -> Result<Handed, Fault> {
    let way = app.inbound.way(channel).ok_or(Fault::NotFound)?;
    if !way.ejs.iter().all(|ej| reach.holds(*ej)) {
        return Err(Fault::NotFound);
    }
    let (media, charset) = media(parts).ok_or(Fault::MessageMedia)?;
    let place: OwnedSemaphorePermit =
        way.places.try_acquire_owned().map_err(|error| match error {
            TryAcquireError::NoPermits => Fault::SendLater,
            // It was stopped between the two.
            TryAcquireError::Closed => Fault::NotFound,
        })?;
    let limit = way.message_bytes_max;
    let message = gate::collect(parts, body, limit, app.settings.body_timeout()).await?;
    let (message, charset) = in_charset(message, charset)?;
    let taken = way.post.take(message);
    // A caller that hangs up drops this future; the message is taken, and keeps its place.
    let posted = tokio::spawn(async move {
        let posted = taken.await;
        drop(place);
        posted
    });
    Ok(Handed { posted: posted.await.unwrap_or(Posted::Unknown), media, charset })
}

/// The answer to what was handed over.
pub(crate) fn answer(call: &Call<'_>) -> Result<Response<Body>, Fault> {
    let Handed { posted, media, charset } = call.handed.as_ref().ok_or(Fault::Internal)?;
    let bytes = match posted {
        Posted::Answered(bytes) => bytes.clone(),
        Posted::Silent => {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::NO_CONTENT;
            return Ok(response);
        }
        Posted::NotNow => return Err(Fault::SendLater),
        Posted::Unknown => return Err(Fault::OutcomeUnknown),
    };
    let guessed = if std::str::from_utf8(&bytes).is_ok() { Charset::Utf8 } else { Charset::Latin1 };
    let media = format!("{media}; charset={}", iana(charset.unwrap_or(guessed)));
    let mut response = Response::new(Body::from(bytes));
    let media = HeaderValue::try_from(media).map_err(|_| Fault::Internal)?;
    response.headers_mut().insert(header::CONTENT_TYPE, media);
    Ok(response)
}

/// The media type as it is answered, and the character set that it names; `None` for one that is not
/// taken.
fn media(parts: &Parts) -> Option<(&'static str, Option<Charset>)> {
    let mut values = parts.headers.get_all(header::CONTENT_TYPE).iter();
    let value = values.next()?.to_str().ok().filter(|_| values.next().is_none())?;
    let mut items = value.split(';');
    let essence = items.next()?.trim();
    let media = MEDIA.into_iter().find(|media| essence.eq_ignore_ascii_case(media))?;
    let named = items.find_map(|item| {
        let (name, value) = item.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches('"'))
    });
    match named.map(|name| Charset::declared(name.as_bytes())) {
        None | Some(Declared::Absent) => Some((media, None)),
        Some(Declared::Known(charset)) => Some((media, Some(charset))),
        Some(Declared::Unsupported) => None,
    }
}

/// The message as it is kept, and the character set that it is in then.
fn in_charset(message: Bytes, charset: Option<Charset>) -> Result<(Bytes, Option<Charset>), Fault> {
    let Some(charset) = charset.filter(|_| !message.is_ascii()) else {
        return Ok((message, charset));
    };
    let declared = MshRaw::find(&message).and_then(|msh| msh.charset()).map(Charset::declared);
    match charset {
        Charset::Ascii => Err(Fault::MessageCharset),
        Charset::Utf8 if std::str::from_utf8(&message).is_err() => Err(Fault::MessageCharset),
        charset if charset == Charset::Utf8 || declared == Some(Declared::Known(charset)) => {
            Ok((message, Some(charset)))
        }
        charset => {
            let text = decode(&message, None, charset).text.into_owned();
            Ok((text.into(), Some(Charset::Utf8)))
        }
    }
}

const fn iana(charset: Charset) -> &'static str {
    match charset {
        Charset::Ascii => "us-ascii",
        Charset::Utf8 => "utf-8",
        Charset::Latin1 => "iso-8859-1",
        Charset::Latin9 => "iso-8859-15",
        Charset::Windows1252 => "windows-1252",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn media_of(value: &str) -> Option<(&'static str, Option<Charset>)> {
        let request = axum::http::Request::builder().header(header::CONTENT_TYPE, value);
        media(&request.body(()).unwrap().into_parts().0)
    }

    #[test]
    fn er7_is_taken_under_each_of_its_names_in_the_sets_that_are_read() {
        for (value, expected) in [
            ("application/hl7-v2", Some((MEDIA[0], None))),
            ("Application/HL7-v2; charset=UTF-8", Some((MEDIA[0], Some(Charset::Utf8)))),
            (
                "application/hl7-v2+er7;charset=\"iso-8859-1\"",
                Some((MEDIA[1], Some(Charset::Latin1))),
            ),
            (
                "x-application/hl7-v2+er7; a=b; Charset=us-ascii",
                Some((MEDIA[2], Some(Charset::Ascii))),
            ),
            ("application/hl7-v2; charset=utf-16", None),
            ("application/hl7-v2+xml; charset=utf-8", None),
            ("text/plain", None),
            ("", None),
        ] {
            assert_eq!(media_of(value), expected, "{value}");
        }
    }

    #[test]
    fn the_set_of_the_content_type_holds_and_a_wrong_one_is_told() {
        let message = |msh_18: &str, name: &[u8]| {
            let mut raw =
                format!("MSH|^~\\&|||||||ADT^A08|1|P|2.5||||||{msh_18}\rPID|||1||").into_bytes();
            raw.extend_from_slice(name);
            Bytes::from(raw)
        };
        let utf8 = |msh_18| message(msh_18, "Jérôme".as_bytes());
        let latin1 = |msh_18| message(msh_18, b"J\xe9r\xf4me");
        let same = |raw: Bytes, charset| Ok((raw, charset));
        for (raw, charset, expected) in [
            (utf8("8859/1"), None, same(utf8("8859/1"), None)),
            (utf8("8859/1"), Some(Charset::Utf8), same(utf8("8859/1"), Some(Charset::Utf8))),
            (
                latin1("8859/1"),
                Some(Charset::Latin1),
                same(latin1("8859/1"), Some(Charset::Latin1)),
            ),
            (latin1(""), Some(Charset::Latin1), same(utf8(""), Some(Charset::Utf8))),
            (
                latin1("UNICODE UTF-8"),
                Some(Charset::Latin1),
                same(utf8("UNICODE UTF-8"), Some(Charset::Utf8)),
            ),
            (latin1("8859/1"), Some(Charset::Utf8), Err(Fault::MessageCharset)),
            (latin1("8859/1"), Some(Charset::Ascii), Err(Fault::MessageCharset)),
            (
                message("", b"Doe"),
                Some(Charset::Ascii),
                same(message("", b"Doe"), Some(Charset::Ascii)),
            ),
        ] {
            assert_eq!(in_charset(raw, charset), expected, "{charset:?}");
        }
    }
}
