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
/// How long nobody is let in when the machine has no room for another connection.
const NO_ROOM: Duration = Duration::from_millis(100);
/// How often in a row that may be: a minute.
const FAILURES_MAX: u32 = 600;

/// Serves a router until `shutdown` comes; then nobody is let in any more, and what has begun is carried to its end,
/// for as long as `grace`. Nothing of the router is left when it returns.
///
/// # Errors
/// When nobody can be let in for a minute.
pub async fn serve_router(
    listener: TcpListener,
    router: Router,
    shutdown: impl Future<Output = ()>,
    grace: Duration,
) -> io::Result<()> {
    let graceful = GracefulShutdown::new();
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    // Dropped, it lets go of what hangs, so that nothing of the router outlives this.
    let mut connections = JoinSet::new();
    let mut failures = 0;
    tokio::pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &room) => accepted,
            () = &mut shutdown => break,
        };
        match accepted {
            Ok((stream, permit)) => {
                failures = 0;
                connections.spawn(connection(stream, permit, router.clone(), graceful.watcher()));
                while connections.try_join_next().is_some() {}
            }
            Err(error) if failures >= FAILURES_MAX => return Err(error),
            Err(error) => {
                failures += 1;
                tracing::warn!(%error, "a connection could not be taken");
                tokio::time::sleep(NO_ROOM).await;
            }
        }
    }
    drop(listener);
    if tokio::time::timeout(grace, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests took too long and were not carried to their end");
    }
    Ok(())
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::sync::{Notify, oneshot};

    use super::*;

    #[tokio::test]
    async fn what_has_begun_is_carried_to_its_end() {
        let (begun, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (tell, wait) = (Arc::clone(&begun), Arc::clone(&go_on));
        let slow = move || {
            let (tell, wait) = (Arc::clone(&tell), Arc::clone(&wait));
            async move {
                tell.notify_one();
                wait.notified().await;
                "done"
            }
        };
        let router = Router::new().route("/slow", get(slow));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = tokio::spawn(serve_router(listener, router, async { drop(stopped.await) }, HEAD));

        let mut resting = TcpStream::connect(address).await.unwrap();
        let mut asking = TcpStream::connect(address).await.unwrap();
        asking.write_all(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        begun.notified().await;
        stop.send(()).unwrap();
        // A connection on which nothing is asked is closed, which also shows that ending has begun.
        assert_eq!(resting.read(&mut [0; 1]).await.unwrap(), 0);
        assert!(TcpStream::connect(address).await.is_err());
        assert!(!serving.is_finished());

        go_on.notify_one();
        let mut answer = String::new();
        asking.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("done"), "{answer}");
        serving.await.unwrap().unwrap();
    }
}
