use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;

/// How many connections there are at a time; who comes then waits until one is free.
const CONNECTIONS_MAX: usize = 8_192;
/// How long the head of a request may take, and how long a connection may rest before the next.
const HEAD: Duration = Duration::from_secs(15);
/// The largest head of a request with some room, in bytes.
const HEAD_BYTES_MAX: usize = 32 * 1024;
/// How long requests that have begun when the server ends may take.
const ENDING: Duration = Duration::from_secs(20);
/// How long nobody is let in when the machine has no room for another connection.
const NO_ROOM: Duration = Duration::from_millis(100);

/// Serves until `shutdown` comes; then nobody is let in any more, and what has begun is carried to its end.
pub async fn serve(listener: TcpListener, router: Router, shutdown: impl Future<Output = ()>) {
    let graceful = GracefulShutdown::new();
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    // Dropped, it lets go of what hangs, so that nothing of the router outlives this.
    let mut connections = JoinSet::new();
    tokio::pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &room) => accepted,
            () = &mut shutdown => break,
        };
        match accepted {
            Ok((stream, permit)) => {
                connections.spawn(connection(stream, permit, router.clone(), graceful.watcher()));
                while connections.try_join_next().is_some() {}
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be taken");
                tokio::time::sleep(NO_ROOM).await;
            }
        }
    }
    drop(listener);
    drop(router);
    if tokio::time::timeout(ENDING, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests took too long and were not carried to their end");
    }
}

async fn accept(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
) -> io::Result<(TcpStream, OwnedSemaphorePermit)> {
    let permit = Arc::clone(room).acquire_owned().await.map_err(io::Error::other)?;
    let (stream, _) = listener.accept().await?;
    Ok((stream, permit))
}

async fn connection(stream: TcpStream, permit: OwnedSemaphorePermit, router: Router, watcher: Watcher) {
    // Answers are small and wanted at once.
    let _ = stream.set_nodelay(true);
    let service = TowerToHyperService::new(router);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service);
    // Clients that go away in the middle are no fault of anybody's.
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!(%error, "a connection ended early");
    }
    drop(permit);
}
