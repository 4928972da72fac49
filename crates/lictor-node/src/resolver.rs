//! Looks the control plane's name up beside the tries to connect: a name server that does not answer
//! delays the first of them and none after it, and if no name server answers, the last addresses
//! stay good.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::time::timeout;

/// How long a try waits for a new answer where an old one is known.
const PATIENCE: Duration = Duration::from_secs(1);

/// The names that were looked up. A clone has the same.
#[derive(Clone, Default)]
pub(crate) struct Resolver(Arc<Mutex<HashMap<String, Vec<SocketAddr>>>>);

impl Resolver {
    /// The addresses of a name that `lookup` finds, which goes on when nobody waits for it any more.
    async fn addresses(
        &self,
        name: &str,
        lookup: impl Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'static,
    ) -> io::Result<Vec<SocketAddr>> {
        let (own, key) = (self.clone(), name.to_owned());
        let mut looking = tokio::spawn(async move {
            let found = lookup.await?;
            own.known().insert(key, found.clone());
            Ok(found)
        });
        let before = self.known().get(name).cloned();
        let found = match before {
            Some(before) => match timeout(PATIENCE, &mut looking).await {
                Ok(Ok(Ok(found))) => return Ok(found),
                Ok(Ok(Err(_)) | Err(_)) | Err(_) => return Ok(before),
            },
            None => looking.await,
        };
        found.map_err(io::Error::other)?
    }

    fn known(&self) -> MutexGuard<'_, HashMap<String, Vec<SocketAddr>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let own = self.clone();
        Box::pin(async move {
            let asked = (name.as_str().to_owned(), 0);
            let lookup = async move { Ok(tokio::net::lookup_host(asked).await?.collect()) };
            let found = own.addresses(name.as_str(), lookup).await?;
            let addresses: Addrs = Box::new(found.into_iter());
            Ok(addresses)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> Vec<SocketAddr> {
        vec![SocketAddr::from(([127, 0, 0, last], 0))]
    }

    async fn late(last: u8) -> io::Result<Vec<SocketAddr>> {
        tokio::time::sleep(Duration::from_millis(200)).await;
        Ok(address(last))
    }

    async fn never() -> io::Result<Vec<SocketAddr>> {
        std::future::pending().await
    }

    async fn refused() -> io::Result<Vec<SocketAddr>> {
        Err(io::Error::other("no such name"))
    }

    #[tokio::test]
    async fn an_answer_that_comes_too_late_for_one_try_is_there_for_the_next() {
        let resolver = Resolver::default();
        let short = Duration::from_millis(20);
        let first = timeout(short, resolver.addresses("a", late(1))).await;
        assert!(first.is_err());
        tokio::time::sleep(Duration::from_millis(400)).await;
        let next = resolver.addresses("a", never()).await;
        assert_eq!(next.expect("an answer"), address(1));
    }

    #[tokio::test]
    async fn a_new_answer_goes_before_an_old_one_and_an_old_one_before_none() {
        let resolver = Resolver::default();
        assert!(resolver.addresses("a", refused()).await.is_err());
        let mut found = Vec::new();
        found.push(resolver.addresses("a", late(1)).await.expect("found"));
        found.push(resolver.addresses("a", late(2)).await.expect("found"));
        found.push(resolver.addresses("a", refused()).await.expect("found"));
        assert_eq!(found, [address(1), address(2), address(2)]);
        assert!(resolver.addresses("b", refused()).await.is_err());
    }
}
