//! A client that comes back before its old connection is gone, while the old one still speaks: what both send is
//! read in the same moment.
#![allow(clippy::unwrap_used)]

mod fuzzing;

use broker::Limits;
use fuzzing::wire::{self, Connect};
use fuzzing::world::World;

fn connect(id: &str, clean: bool) -> Connect {
    Connect {
        level: 4,
        id: id.into(),
        clean,
        user: Some("one".into()),
        password: Some("secret".into()),
        ..Connect::default()
    }
}

/// The old connection sends `bytes`; a clean start with its client id comes in the same moment, and goes.
async fn taken_over_while(bytes: Vec<u8>) -> World {
    let mut world = World::new(Limits::default()).await;
    world.connect(1, connect("c", false), 8_192);
    world.settle().await;
    world.send(1, bytes);
    world.connect(0, connect("c", true), 8_192);
    world.settle().await;
    assert!(world.clients[0].up && !world.clients[1].up);
    world.send(0, vec![0xE0, 0]);
    world.pass(2_000).await;
    world
}

/// Found by the conversation fuzzer: the subscription stayed in the index for ever, and its session with it.
#[tokio::test(start_paused = true)]
async fn a_subscribe_that_meets_a_clean_start_leaves_nothing_behind() {
    for filter in ["a/#", "$share/g/a/#"] {
        let world = taken_over_while(wire::subscribe(4, 1, &[], filter, 1)).await;
        assert_eq!(world.leftovers(), Default::default(), "{filter}");
        assert_eq!(world.disk.kept(), (0, 0), "{filter}");
    }
}

/// The handshake's row came after those of the session were deleted: after a restart the next session of this
/// client id would have taken another message for a repetition.
#[tokio::test(start_paused = true)]
async fn a_qos_2_publish_that_meets_a_clean_start_leaves_no_handshake_behind() {
    let world = taken_over_while(wire::publish(4, 4, "a", 7, &[], b"x")).await;
    assert_eq!(world.leftovers(), Default::default());
    assert_eq!(world.disk.kept(), (0, 0));
}
