//! Whether the broker answers at an address of this computer: a real connection and the first packets of MQTT.

use std::net::SocketAddr;
use std::sync::OnceLock;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Longest wait for the connection and the answer.
const ANSWER: Duration = Duration::from_secs(3);
/// What the doctor calls itself at the gate. Its failed logins are no news, so nobody else must be able to go by
/// that name: it is another one in each run.
pub fn client_id() -> &'static str {
    static CLIENT_ID: OnceLock<String> = OnceLock::new();
    CLIENT_ID.get_or_init(|| {
        let mut drawn = [0; 8];
        // Without randomness its refused logins are told, which is not worse.
        let _ = getrandom::fill(&mut drawn);
        format!("hearth-doctor-{}", crate::hex::encode(&drawn))
    })
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reached {
    /// A broker answered the CONNECT.
    Broker,
    /// Something took the connection and is no MQTT broker.
    Other,
    /// Nobody took the connection; with what the system said.
    Nobody(String),
}

/// Connects to one of this computer's own addresses and says CONNECT without a password. Whatever the broker
/// thinks of that, it answers with CONNACK (MQTT 3.1.1, section 3.2).
pub(super) async fn reach(address: SocketAddr) -> Reached {
    let connecting = tokio::time::timeout(ANSWER, TcpStream::connect(address));
    let mut stream = match connecting.await {
        Ok(Ok(stream)) => stream,
        Ok(Err(why)) => return Reached::Nobody(why.to_string()),
        Err(_) => return Reached::Nobody(format!("no answer within {} s", ANSWER.as_secs())),
    };
    let answered = async {
        stream.set_nodelay(true)?;
        stream.write_all(&connect()).await?;
        let mut answer = [0; 4];
        stream.read_exact(&mut answer).await?;
        std::io::Result::Ok(answer)
    };
    match tokio::time::timeout(ANSWER, answered).await {
        Ok(Ok([0x20, 2, _, _])) => Reached::Broker,
        _ => Reached::Other,
    }
}

fn connect() -> Vec<u8> {
    let id = client_id().as_bytes();
    // Protocol name and level, clean session, keepalive 10 s; then the client id with its length.
    let mut packet = vec![0x10, 0, 0, 4, b'M', b'Q', b'T', b'T', 4, 2, 0, 10, 0, id.len() as u8];
    packet.extend_from_slice(id);
    packet[1] = (packet.len() - 2) as u8;
    packet
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    async fn check(answer: &'static [u8], expected: Reached) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let answering = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut packet = [0; 64];
            let read = stream.read(&mut packet).await.unwrap();
            stream.write_all(answer).await.unwrap();
            packet[..read].to_vec()
        });
        assert_eq!(reach(address).await, expected);
        assert_eq!(answering.await.unwrap(), connect());
    }

    #[tokio::test]
    async fn a_broker_is_told_from_others() {
        check(&[0x20, 2, 0, 5], Reached::Broker).await;
        check(b"HTTP/1.1 400 Bad Request\r\n", Reached::Other).await;
        check(b"", Reached::Other).await;
        let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let Reached::Nobody(_) = reach(closed).await else { panic!("nobody is there") };
    }
}
