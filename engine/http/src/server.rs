//! Listening: connections within their limits, TLS off the accept loop, and an orderly stop.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use axum::routing::Router;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::Service;

use crate::app::{App, Deps};
use crate::bulk;
use crate::cache::SAMPLED_EVERY;
use crate::connections::{Activity, Connections};
use crate::export;
use crate::instruments;
use crate::routes;
use crate::settings::{HttpSettings, SettingsError};
use crate::stall::Stalling;
use crate::tls::{self, TlsError};

/// Between two failed accepts (no file descriptor left): long enough for one to come free.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
const BUSY: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\n\
                      Content-Length: 0\r\n\r\n";

/// Why the server does not listen.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error(
        "http.address {address} can be reached from other machines, so it needs TLS: set \
         http.tls.certificate and http.tls.key (PEM files), or listen on 127.0.0.1 behind a proxy \
         that ends TLS"
    )]
    NeedsTls { address: SocketAddr },
    #[error(
        "http.address {address} can be reached from other machines, so callers must be known: make \
         a token first, e.g. `sluice token create --config FILE --role reader --ej EJ1`"
    )]
    NeedsTokens { address: SocketAddr },
    #[error(
        "cannot listen on http.address {address}: {source}; choose another with --http or that key"
    )]
    Listen { address: SocketAddr, source: io::Error },
}

/// Bound, not yet accepting.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    app: Arc<App>,
    acceptor: Option<TlsAcceptor>,
}

impl Server {
    /// Checks the settings and binds. Off loopback it refuses without TLS and a token in force.
    /// The metrics recorder must have been installed before.
    ///
    /// # Errors
    /// What is wrong, and how to put it right.
    pub async fn bind(settings: HttpSettings, deps: Deps) -> Result<Self, BindError> {
        settings.check()?;
        let acceptor = tls::acceptor(&settings.tls)?;
        let address = settings.address;
        if !address.ip().is_loopback() {
            if acceptor.is_none() {
                return Err(BindError::NeedsTls { address });
            }
            if !deps.tokens.any_in_force() {
                return Err(BindError::NeedsTokens { address });
            }
        }
        let listen = |source| BindError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(listen)?;
        let bound = listener.local_addr().map_err(listen)?;
        let app = Arc::new(App::new(settings, deps));
        if app.is_open() {
            tracing::warn!(
                address = %bound,
                "no token exists: whoever can log in to this machine can read everything over HTTP; \
                 `sluice token create` closes it"
            );
        }
        Ok(Self { listener, address: bound, app, acceptor })
    }

    #[must_use]
    pub const fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Whether everyone on this machine may do everything: to be said at start.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.app.is_open()
    }

    /// The base of this server's URLs, as seen from this machine.
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = if self.acceptor.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// Serves until `stop`; then lets requests under way finish, for `http.stop_timeout_ms`.
    pub async fn run(self, stop: CancellationToken) {
        let Self { listener, app, acceptor, .. } = self;
        let connections = Arc::new(Connections::new(&app.settings));
        let served = Arc::new(Served { router: routes::router(&app), app, stop: stop.clone() });
        let end = CancellationToken::new();
        let tasks = TaskTracker::new();
        let upkeep = tokio::spawn(upkeep(Arc::clone(&served.app)));
        let warming = tokio::spawn(export::after_start(Arc::clone(&served.app), stop.clone()));
        let exports = tokio::spawn(bulk::keep(Arc::clone(&served.app), stop.clone()));
        loop {
            let (stream, peer) = tokio::select! {
                () = stop.cancelled() => break,
                accepted = listener.accept() => match accepted {
                    Ok(accepted) => accepted,
                    Err(error) => {
                        instruments::connection_error("accept");
                        tracing::warn!(error = %error, "accepting a connection failed");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                        continue;
                    }
                },
            };
            match Connections::admit(&connections, peer.ip()) {
                Ok(place) => {
                    let (served, acceptor) = (Arc::clone(&served), acceptor.clone());
                    let end = end.clone();
                    tasks.spawn(async move {
                        tokio::select! {
                            () = served.connection(stream, acceptor, &place.activity) => {}
                            () = place.activity.evicted() => {}
                            () = end.cancelled() => {}
                        }
                        drop(place);
                    });
                }
                Err(reason) => {
                    instruments::connection_refused(reason);
                    if acceptor.is_none() {
                        // Best effort: a socket just accepted has room for one line.
                        let _ = stream.try_write(BUSY);
                    }
                }
            }
        }
        drop(listener);
        tasks.close();
        let grace = Duration::from_millis(served.app.settings.stop_timeout_ms);
        if tokio::time::timeout(grace, tasks.wait()).await.is_err() {
            tracing::warn!(connections = tasks.len(), "stopped with requests still under way");
            end.cancel();
            tasks.wait().await;
        }
        upkeep.abort();
        warming.abort();
        // It leaves off after the chunk in hand; a task that panicked has ended too.
        let _ = exports.await;
    }
}

/// Histograms grow until they are drained: a server that nobody scrapes must drain them itself.
async fn upkeep(app: Arc<App>) {
    let mut ticks = tokio::time::interval(SAMPLED_EVERY);
    loop {
        ticks.tick().await;
        app.prometheus.run_upkeep();
        let now = app.started.elapsed();
        let [resources, chunks, pages] = &mut *app.ratios.lock();
        resources.sample(now, app.resources.asked());
        chunks.sample(now, app.chunks.asked());
        pages.sample(now, app.pages.asked());
    }
}

struct Served {
    router: Router,
    app: Arc<App>,
    stop: CancellationToken,
}

impl Served {
    async fn connection(
        &self,
        stream: TcpStream,
        acceptor: Option<TlsAcceptor>,
        activity: &Arc<Activity>,
    ) {
        // Answers go out in one write; waiting for more would only delay them.
        let _ = stream.set_nodelay(true);
        let Some(acceptor) = acceptor else {
            return self.requests(stream, activity).await;
        };
        let limit = Duration::from_millis(self.app.settings.handshake_timeout_ms);
        match tokio::time::timeout(limit, acceptor.accept(stream)).await {
            Ok(Ok(stream)) => self.requests(stream, activity).await,
            _ => instruments::connection_error("handshake"),
        }
    }

    async fn requests<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: S,
        activity: &Arc<Activity>,
    ) {
        let settings = &self.app.settings;
        let stall = Duration::from_millis(settings.write_stall_timeout_ms);
        let router = self.router.clone();
        let service = service_fn(move |request: Request<Incoming>| {
            activity.begin();
            let answer = router.clone().call(request.map(Body::new));
            async move {
                let answer = answer.await.unwrap_or_else(|never| match never {});
                // What follows is the sending, which tells of itself write by write.
                activity.wrote();
                activity.end();
                Ok::<_, Infallible>(answer)
            }
        });
        let stream = Stalling::new(stream, stall, Arc::clone(activity));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(settings.header_timeout())
            .max_header_size(settings.header_bytes_max)
            .max_buf_size(settings.header_bytes_max)
            .serve_connection(TokioIo::new(stream), service);
        tokio::pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = self.stop.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            let kind = if error.is_timeout() { "header_timeout" } else { "protocol" };
            instruments::connection_error(kind);
        }
    }
}
