//! Tests of the whole journal, on real files and on a disk that fails.

mod conforms;
mod damages;
mod faults;
mod model;
mod operation;
mod played_disk;
mod scene;
mod space;
