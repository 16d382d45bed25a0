//! A server on a port of its own, and a client that writes HTTP by hand so that a test can stop
//! in the middle of a request.

#![allow(dead_code, unused_imports, reason = "each test file uses its part")]
#![allow(clippy::unwrap_used, reason = "test code")]

mod answer;
mod desks;
mod lane;
mod past;
mod records;
mod vitals;

pub use answer::*;
pub use lane::*;
pub use records::*;
pub use vitals::*;

use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use sluice_http::role::{Reach, Role};
use sluice_http::settings::BulkSettings;
use sluice_http::tokens::NewToken;
use sluice_http::{
    ActDesk, AlertDesk, ChannelDesk, CursorKey, DeliveryDesk, Deps, HttpSettings, Inbound,
    MessageDesk, Past, Server, Tokens, Vitals,
};
use sluice_ids::EjId;
use sluice_mappings::entity::{EjSettings, LegalEntity};
use sluice_state::{State, StateSettings};
use tokio_util::sync::CancellationToken;

pub fn ej(name: &str) -> EjId {
    EjId::new(name).unwrap()
}

pub fn entity(name: &str) -> Arc<LegalEntity> {
    let settings: EjSettings = serde_json::from_value(serde_json::json!({
        "id": name,
        "name": format!("Hospital {name}"),
    }))
    .unwrap();
    Arc::new(LegalEntity::new(settings).unwrap())
}

pub struct Running {
    pub address: SocketAddr,
    pub folder: tempfile::TempDir,
    pub vitals: Arc<TestVitals>,
    pub state: State,
    pub stop: CancellationToken,
    pub server: Option<std::thread::JoinHandle<()>>,
}

pub fn settings() -> HttpSettings {
    // As little waiting as there can be, on whatever disk there is.
    let bulk = BulkSettings { settle_ms: 1, free_floor_bytes: 0, ..BulkSettings::default() };
    HttpSettings { address: "127.0.0.1:0".parse().unwrap(), bulk, ..HttpSettings::default() }
}

pub fn deps(folder: &std::path::Path, vitals: &Arc<TestVitals>) -> Deps {
    deps_of(folder, vitals, StateSettings::default())
}

fn deps_of(folder: &std::path::Path, vitals: &Arc<TestVitals>, state: StateSettings) -> Deps {
    let ejs = [ej("EJ1"), ej("EJ2")];
    let (state, _) = State::open(&folder.join("state"), state, &ejs).unwrap();
    Deps {
        state,
        cursors: CursorKey::open(folder).unwrap(),
        entities: vec![entity("EJ1"), entity("EJ2")],
        tokens: Tokens::open(folder).unwrap().look_every(Duration::ZERO),
        vitals: Arc::clone(vitals) as Arc<dyn Vitals>,
        inbound: Arc::clone(vitals) as Arc<dyn Inbound>,
        past: Arc::clone(vitals) as Arc<dyn Past>,
        acts: Arc::clone(vitals) as Arc<dyn ActDesk>,
        channels: Arc::clone(vitals) as Arc<dyn ChannelDesk>,
        delivery: Arc::clone(vitals) as Arc<dyn DeliveryDesk>,
        alerts: Arc::clone(vitals) as Arc<dyn AlertDesk>,
        messages: Arc::clone(vitals) as Arc<dyn MessageDesk>,
        prometheus: PrometheusBuilder::new().build_recorder().handle(),
        data_dir: folder.to_owned(),
    }
}

impl Running {
    pub fn start(settings: HttpSettings) -> Self {
        Self::start_with(settings, PrometheusBuilder::new().build_recorder().handle())
    }

    /// With a data directory that is there already.
    pub fn start_in(folder: tempfile::TempDir, settings: HttpSettings) -> Self {
        let prometheus = PrometheusBuilder::new().build_recorder().handle();
        Self::start_all(folder, settings, prometheus, StateSettings::default())
    }

    /// Stops the server; its data directory stays.
    pub fn stopped(mut self) -> tempfile::TempDir {
        std::mem::replace(&mut self.folder, tempfile::tempdir().unwrap())
    }

    /// With a state that remembers other than by default.
    pub fn start_over(settings: HttpSettings, state: StateSettings) -> Self {
        let prometheus = PrometheusBuilder::new().build_recorder().handle();
        Self::start_all(tempfile::tempdir().unwrap(), settings, prometheus, state)
    }

    /// Ends, and starts on the same data directory.
    pub fn restarted(mut self) -> Self {
        self.state.flush().unwrap();
        let folder = std::mem::replace(&mut self.folder, tempfile::tempdir().unwrap());
        drop(self);
        Self::start_in(folder, settings())
    }

    pub fn start_with(settings: HttpSettings, prometheus: PrometheusHandle) -> Self {
        Self::start_all(
            tempfile::tempdir().unwrap(),
            settings,
            prometheus,
            StateSettings::default(),
        )
    }

    /// With those EJs, EJ1 and EJ2.
    pub fn start_of(settings: HttpSettings, entities: Vec<Arc<LegalEntity>>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let vitals = Arc::new(TestVitals::default());
        let deps = Deps { entities, ..deps(folder.path(), &vitals) };
        Self::start_deps(folder, settings, deps, vitals)
    }

    fn start_all(
        folder: tempfile::TempDir,
        settings: HttpSettings,
        prometheus: PrometheusHandle,
        state: StateSettings,
    ) -> Self {
        let vitals = Arc::new(TestVitals::default());
        let deps = Deps { prometheus, ..deps_of(folder.path(), &vitals, state) };
        Self::start_deps(folder, settings, deps, vitals)
    }

    fn start_deps(
        folder: tempfile::TempDir,
        settings: HttpSettings,
        deps: Deps,
        vitals: Arc<TestVitals>,
    ) -> Self {
        let state = deps.state.clone();
        let stop = CancellationToken::new();
        let (told, bound) = std::sync::mpsc::channel();
        let server = std::thread::spawn({
            let stop = stop.clone();
            move || {
                let runtime = tokio::runtime::Builder::new_multi_thread()
                    .worker_threads(2)
                    .enable_all()
                    .build()
                    .unwrap();
                runtime.block_on(async {
                    let server = Server::bind(settings, deps).await.unwrap();
                    told.send(server.local_addr()).unwrap();
                    server.run(stop).await;
                });
            }
        });
        let address = bound.recv().unwrap();
        Self { address, folder, vitals, state, stop, server: Some(server) }
    }

    /// What `sluice token create` does, in another process as far as the server can tell.
    pub fn token(&self, role: Role, ejs: &[&str]) -> String {
        let reach = if ejs == ["*"] { Reach::All } else { Reach::only(ejs.iter().map(|e| ej(e))) };
        let tokens = Tokens::open(self.folder.path()).unwrap();
        tokens.create(NewToken { role, reach, expires: None }).unwrap().secret
    }

    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        stream
    }

    pub fn get(&self, path: &str, token: Option<&str>) -> Answer {
        self.request("GET", path, token, &[], b"")
    }

    pub fn request(
        &self,
        method: &str,
        path: &str,
        token: Option<&str>,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        let mut stream = self.connect();
        let mut text = head(method, path, token, headers);
        if !body.is_empty() {
            text.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        text.push_str("Connection: close\r\n\r\n");
        stream.write_all(text.as_bytes()).unwrap();
        stream.write_all(body).unwrap();
        Answer::read(&mut stream, method == "HEAD")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(server) = self.server.take() {
            let ended = server.join();
            if !std::thread::panicking() {
                ended.unwrap();
            }
        }
    }
}
