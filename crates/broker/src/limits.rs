//! Every bound of the gate, by name.

use model::TopicFilter;

use crate::transport::Listen;

/// Where the gate listens, and its bounds.
#[derive(Debug, Clone)]
pub struct GateConfig {
    /// Listeners to open, at most one of each transport.
    pub listen: Vec<Listen>,
    /// The bounds.
    pub limits: Limits,
}

/// Every bound of the gate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Largest packet accepted, as its fixed header declares it. A larger one closes the connection before a
    /// byte of it is stored.
    pub packet_bytes_max: usize,
    /// Clients connected at a time. A tenth of it is kept for credentials that have no client connected.
    pub connections_max: usize,
    /// Connections of one address at a time.
    pub connections_per_address_max: usize,
    /// Clients of one credential connected at a time. One that takes the place of its own client id always may.
    pub connections_per_user_max: usize,
    /// Connections one address may open per second, ten seconds' worth of them at once; 0 is any.
    pub connects_per_second_max: u32,
    /// The same for this machine's own loopback addresses.
    pub connects_per_second_loopback_max: u32,
    /// Time from the connection to a complete CONNECT, and to a decision about it.
    pub connect_timeout_ms: u64,
    /// Connections open beyond `connections_max`, so that those who will be refused can be told so; above it one is
    /// closed as it comes.
    pub lobby_max: usize,
    /// Connections of one address that have not logged in; above it the oldest of them is closed.
    pub lobby_per_address_max: usize,
    /// Largest CONNECT accepted, its will included.
    pub connect_bytes_max: usize,
    /// Failed logins per address, user name and minute; above it a further one is answered slowly.
    pub failed_logins_max: u32,
    /// Above this many messages waiting for a subscriber its publishers pause; they go on at half of it.
    pub inbox_pause_messages: usize,
    /// The same in bytes.
    pub inbox_pause_bytes: usize,
    /// Longest pause of a publisher for all subscribers of one batch. A subscriber that took next to nothing in
    /// that time is not waited for again until its inbox is small.
    pub pause_ms_max: u64,
    /// Messages waiting for a connected subscriber; above it QoS 0 is shed and counted.
    pub inbox_messages_max: usize,
    /// The same in bytes.
    pub inbox_bytes_max: usize,
    /// QoS 1 and 2 messages on the way to one client at a time. A client's Receive Maximum may lower it.
    pub inflight_max: u16,
    /// The Receive Maximum announced to MQTT 5 clients.
    pub receive_max: u16,
    /// Topic aliases a client may use towards the gate (MQTT 5).
    pub topic_alias_max: u16,
    /// Bytes of the topics behind the aliases of one client; one that sets more is closed.
    pub topic_alias_bytes_max: usize,
    /// Topic aliases the gate uses towards a client that takes them (MQTT 5); 0 uses none.
    pub topic_aliases_out_max: u16,
    /// Messages kept for a persistent session; above it the oldest is dropped and counted.
    pub session_queue_messages_max: usize,
    /// The same in bytes.
    pub session_queue_bytes_max: usize,
    /// Bytes waiting in the queues of all sessions; above it a queue drops its oldest for a new message.
    pub queued_bytes_max: usize,
    /// The same for the sessions of one credential.
    pub queued_bytes_per_user_max: usize,
    /// Bytes a session's queue may have whatever the two sums before say.
    pub queue_reserved_bytes: usize,
    /// Sessions that outlive their connection; above it a new one is refused. One that ends with its connection
    /// always has room.
    pub sessions_max: usize,
    /// The same for one credential.
    pub sessions_per_user_max: usize,
    /// Topics nobody may subscribe to by name, whatever the permissions say; a wider wildcard still matches them.
    /// MQTT 5 clients get the code 0x80, since no other says this.
    pub unsubscribable: Vec<TopicFilter>,
    /// Subscriptions of one session.
    pub subscriptions_max: usize,
    /// Shared ones among them. Each group has a copy of every message and a book of what it owes, so they cost
    /// more than others.
    pub shared_subscriptions_max: usize,
    /// Bytes of memory the subscriptions of one session take; above it a further one is refused. Each level of a filter
    /// counts beside its text, since the index has a node for it.
    pub session_held_bytes_max: usize,
    /// The same for the sessions of one credential, the wills of its connections included; above it a CONNECT with a
    /// will is refused, too.
    pub held_bytes_per_user_max: usize,
    /// The same for all.
    pub held_bytes_max: usize,
    /// Bytes that each session, and each will, may take whatever the two sums before say.
    pub held_reserved_bytes: usize,
    /// Bytes of the large packets of one credential that were begun and are not here yet; above it the connection that
    /// begins another is closed. One packet of the largest size is always let in.
    pub begun_bytes_per_user_max: usize,
    /// The same for all.
    pub begun_bytes_max: usize,
    /// Retained messages; above it new topics are not retained.
    pub retained_max: usize,
    /// The same for one credential; Hearth's own messages are not counted here.
    pub retained_per_user_max: usize,
    /// Bytes of the topics, payloads and properties of all retained messages; above it a message that is new, or larger than the
    /// one it replaces, is not retained.
    pub retained_bytes_max: usize,
    /// The same for one credential; Hearth's own messages are not counted here.
    pub retained_bytes_per_user_max: usize,
    /// Messages a client may publish per second, with a burst of as many; a faster one is read more slowly, and
    /// nothing of it is dropped. 0 sets no limit: back-pressure of journal and subscribers is shared by all.
    pub publish_messages_per_s: u64,
    /// The same in bytes, those of the packets around the messages included.
    pub publish_bytes_per_s: u64,
    /// Rows waiting for the journal above which no socket is read.
    pub journal_backlog_max: usize,
    /// A client that takes no byte for this long is closed.
    pub write_deadline_ms: u64,
    /// Longest keepalive granted to an MQTT 5 client; 0 grants any, none included.
    pub keepalive_s_max: u16,
    /// Longest session expiry granted, seconds; `u32::MAX` grants any.
    pub session_expiry_s_max: u32,
    /// Between two times the counters are told under `$SYS/broker`; 0 never tells them.
    pub sys_interval_ms: u64,
    /// Messages the bus keeps at hand for its readers; an older one is read from the journal.
    pub bus_ring_messages: usize,
    /// The same in bytes.
    pub bus_ring_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            packet_bytes_max: 1024 * 1024,
            connections_max: 16_384,
            // An eighth of the places.
            connections_per_address_max: 2_048,
            connections_per_user_max: 2_048,
            connects_per_second_max: 200,
            connects_per_second_loopback_max: 0,
            connect_timeout_ms: 5_000,
            lobby_max: 1_024,
            lobby_per_address_max: 512,
            connect_bytes_max: 128 * 1024,
            failed_logins_max: 30,
            inbox_pause_messages: 4_000,
            inbox_pause_bytes: 4 * 1024 * 1024,
            pause_ms_max: 1_000,
            inbox_messages_max: 50_000,
            inbox_bytes_max: 8 * 1024 * 1024,
            inflight_max: 100,
            receive_max: 1_024,
            topic_alias_max: 64,
            topic_alias_bytes_max: 64 * 1024,
            topic_aliases_out_max: 64,
            session_queue_messages_max: 10_000,
            session_queue_bytes_max: 32 * 1024 * 1024,
            queued_bytes_max: 512 * 1024 * 1024,
            queued_bytes_per_user_max: 128 * 1024 * 1024,
            queue_reserved_bytes: 16 * 1024,
            sessions_max: 10_000,
            sessions_per_user_max: 200,
            unsubscribable: Vec::new(),
            subscriptions_max: 1_000,
            shared_subscriptions_max: 100,
            session_held_bytes_max: 4 * 1024 * 1024,
            held_bytes_per_user_max: 32 * 1024 * 1024,
            held_bytes_max: 256 * 1024 * 1024,
            held_reserved_bytes: 8 * 1024,
            begun_bytes_per_user_max: 32 * 1024 * 1024,
            begun_bytes_max: 256 * 1024 * 1024,
            retained_max: 100_000,
            retained_per_user_max: 20_000,
            retained_bytes_max: 256 * 1024 * 1024,
            retained_bytes_per_user_max: 64 * 1024 * 1024,
            publish_messages_per_s: 0,
            publish_bytes_per_s: 0,
            journal_backlog_max: 8_000,
            write_deadline_ms: 20_000,
            keepalive_s_max: 0,
            session_expiry_s_max: u32::MAX,
            sys_interval_ms: 10_000,
            bus_ring_messages: 32_768,
            bus_ring_bytes: 32 * 1024 * 1024,
        }
    }
}
