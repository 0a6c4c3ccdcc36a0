//! A terminal behind a TCP port, as telnet reaches it.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::espurna::Terminal;
use super::{Act, Board};

pub(super) async fn serve(board: Arc<Board>, first: TcpListener, address: SocketAddr) {
    let mut listener = Some(first);
    loop {
        let listening = match listener.take() {
            Some(listener) => listener,
            None => match TcpListener::bind(address).await {
                Ok(listener) => listener,
                Err(_) => return,
            },
        };
        let act = loop {
            let Ok((stream, _)) = listening.accept().await else { continue };
            match session(&board, stream).await {
                Act::Nothing => {}
                act => break act,
            }
        };
        drop(listening);
        board.restart(act == Act::Restart).await;
    }
}

/// One caller; ends when the line is cut or the board restarts.
async fn session(board: &Board, stream: TcpStream) -> Act {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    let mut terminal = Terminal::default();
    let _ = write.write_all(Terminal::greeting(board).as_bytes()).await;
    while let Ok(Some(line)) = lines.next_line().await {
        let (said, act) = terminal.line(board, &line);
        if act != Act::Nothing {
            return act;
        }
        if write.write_all(said.as_bytes()).await.is_err() {
            break;
        }
    }
    Act::Nothing
}
