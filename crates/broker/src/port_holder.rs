//! Who has a TCP port: read from `/proc`, where there is one.

use std::net::SocketAddr;

/// Name and pid of the process that listens on this port, such as `mosquitto (pid 812)`. `None` when the system
/// does not tell: another operating system, or a process of another user.
pub fn port_holder(addr: SocketAddr) -> Option<String> {
    let inode = listening_inode(addr.port())?;
    let wanted = format!("socket:[{inode}]");
    for process in std::fs::read_dir("/proc").ok()?.flatten() {
        let name = process.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        let Ok(files) = std::fs::read_dir(process.path().join("fd")) else { continue };
        let holds = files
            .flatten()
            .any(|file| std::fs::read_link(file.path()).is_ok_and(|target| target.to_str() == Some(&wanted)));
        if holds {
            let command = std::fs::read_to_string(process.path().join("comm")).unwrap_or_default();
            return Some(format!("{} (pid {pid})", command.trim()));
        }
    }
    None
}

/// The inode of the listening socket on a port. A line of `/proc/net/tcp` is
/// `sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode …`, state `0A` is LISTEN (proc(5)).
fn listening_inode(port: u16) -> Option<u64> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"];
    let tables = tables.iter().filter_map(|path| std::fs::read_to_string(path).ok());
    tables.into_iter().find_map(|table| inode_in(&table, port))
}

fn inode_in(table: &str, port: u16) -> Option<u64> {
    table.lines().skip(1).find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let (_, local_port) = fields.get(1)?.rsplit_once(':')?;
        let is_it = u16::from_str_radix(local_port, 16).ok()? == port && *fields.get(3)? == "0A";
        if is_it { fields.get(9)?.parse().ok() } else { None }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:075B 00000000:0000 0A 00000000:00000000 00:00000000 00000000   113        0 21877 1 0 100 0 0 10 0
   1: 0100007F:075C 0100007F:A1B2 01 00000000:00000000 00:00000000 00000000   113        0 21878 1 0 100 0 0 10 0
";

    #[test]
    fn the_listening_socket_of_a_port_is_found() {
        assert_eq!(inode_in(TABLE, 1883), Some(21877));
        assert_eq!(inode_in(TABLE, 1884), None);
        assert_eq!(inode_in("", 1883), None);
        assert_eq!(inode_in("x\nnot a line at all", 1883), None);
    }
}
