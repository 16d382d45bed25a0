//! Tests of the whole journal, on real files and on a disk that fails.

mod conforms;
