//! A packet that is begun and never ended, under a clock the test turns.
#![allow(clippy::unwrap_used)]

mod fuzzing;

use broker::Limits;
use fuzzing::wire::{self, Connect};
use fuzzing::world::World;

#[tokio::test(start_paused = true)]
async fn a_large_packet_that_stays_unfinished_is_given_up() {
    let mut world = World::new(Limits::default()).await;
    let connect = Connect {
        level: 4,
        id: "slow".into(),
        user: Some("one".into()),
        password: Some("secret".into()),
        ..Connect::default()
    };
    world.connect(0, connect, 256 * 1_024);
    world.settle().await;
    let whole = wire::publish(4, 0, "a", 0, &[], &[b'x'; 100_000]);
    world.send_wild(0, whole[..70_000].to_vec());
    world.pass(50_000).await;
    assert!(world.clients[0].connected(), "100,000 bytes have 54 s");
    world.pass(10_000).await;
    assert!(!world.clients[0].connected());
}
