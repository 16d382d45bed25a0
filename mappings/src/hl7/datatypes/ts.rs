//! TS: a DTM, with a degree of precision before v2.6 (§2.A.77).

use super::composite::datatype;
use super::{Dtm, DtmError, DtmPrecision};

datatype!(
    /// Time stamp: PID-7, PV1-44, EVN-2… DTM, DT and TM fields are read the same way.
    Ts
);

impl Ts<'_> {
    /// TS.1, no more precise than TS.2 (table 0529) says it is.
    ///
    /// # Errors
    /// Why there is no time: empty, `""`, zeros, not a time, not in the calendar.
    pub fn dtm(&self) -> Result<Dtm, DtmError> {
        let dtm = Dtm::parse(self.0.part(1).raw())?;
        let limit = match self.0.part(2).raw().trim() {
            "Y" => DtmPrecision::Year,
            "L" => DtmPrecision::Month,
            "D" => DtmPrecision::Day,
            "H" => DtmPrecision::Hour,
            "M" => DtmPrecision::Minute,
            "S" => DtmPrecision::Second,
            _ => return Ok(dtm),
        };
        Ok(dtm.at_most(limit))
    }
}
