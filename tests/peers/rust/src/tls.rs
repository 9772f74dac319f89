//! TLS by OpenSSL for tokio-postgres, with what SCRAM-SHA-256-PLUS binds to: the hash of the server's
//! certificate (RFC 5929, tls-server-end-point).
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::ssl::{ConnectConfiguration, SslConnector};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_openssl::SslStream;
use tokio_postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect};

#[derive(Clone)]
pub struct MakeTls(pub SslConnector);

pub struct Tls {
    configuration: ConnectConfiguration,
    domain: String,
}

pub struct TlsStream<S>(SslStream<S>);

type Failure = Box<dyn std::error::Error + Send + Sync>;

impl<S> MakeTlsConnect<S> for MakeTls
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    type Stream = TlsStream<S>;
    type TlsConnect = Tls;
    type Error = ErrorStack;

    fn make_tls_connect(&mut self, domain: &str) -> Result<Tls, ErrorStack> {
        Ok(Tls { configuration: self.0.configure()?, domain: domain.to_string() })
    }
}

impl<S> TlsConnect<S> for Tls
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    type Stream = TlsStream<S>;
    type Error = Failure;
    type Future = Pin<Box<dyn Future<Output = Result<TlsStream<S>, Failure>> + Send>>;

    fn connect(self, stream: S) -> Self::Future {
        Box::pin(async move {
            let ssl = self.configuration.into_ssl(&self.domain)?;
            let mut stream = SslStream::new(ssl, stream)?;
            Pin::new(&mut stream).connect().await?;
            Ok(TlsStream(stream))
        })
    }
}

impl<S> tokio_postgres::tls::TlsStream for TlsStream<S>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    fn channel_binding(&self) -> ChannelBinding {
        let digest = self.0.ssl().peer_certificate().and_then(|it| it.digest(MessageDigest::sha256()).ok());
        digest.map_or_else(ChannelBinding::none, |it| ChannelBinding::tls_server_end_point(it.to_vec()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for TlsStream<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, into)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for TlsStream<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, from: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, from)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}
