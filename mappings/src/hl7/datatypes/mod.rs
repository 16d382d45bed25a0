//! Datatypes as borrowed views: names for the components of a field (HL7 v2.5.1 §2.A).
//!
//! Each is made `of` a field (its first repetition), a repetition, a component (its parts are
//! then subcomponents, as HD is inside CX-4) or a subcomponent. An accessor answers a text
//! trimmed of white space, or `None` where there is none: empty, blank, or `""`. Ask
//! `is_null` for the last: of the whole, or of one part by `part(n).is_null()`.

mod composite;

mod cwe;
mod cx;
mod dld;
mod dln;
mod dtm;
mod ei;
mod hd;
mod pl;
mod ts;
mod xad;
mod xcn;
mod xon;
mod xpn;
mod xtn;

pub use composite::Composite;
pub use cwe::{Coding, Cwe};
pub use cx::Cx;
pub use dld::Dld;
pub use dln::Dln;
pub use dtm::{Dtm, DtmError, DtmPrecision};
pub use ei::Ei;
pub use hd::Hd;
pub use pl::Pl;
pub use ts::Ts;
pub use xad::Xad;
pub use xcn::Xcn;
pub use xon::Xon;
pub use xpn::Xpn;
pub use xtn::Xtn;
