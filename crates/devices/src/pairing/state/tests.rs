//! The walks of one pairing, and what must hold whatever happens.

use proptest::prelude::*;

use super::*;

const NOW: i64 = 1_000_000;

fn course(steps: &[&str]) -> Course {
    let steps = steps.iter().map(|step| (*step).to_owned()).collect();
    Course { steps, login_ms: 60_000, place: None, knocked: false }
}

/// Takes a pairing through inputs; each has its effects behind it.
fn walk(steps: &[&str], inputs: Vec<(Input, Vec<Effect>)>) -> Pairing {
    let (mut pairing, effects) = Pairing::begin(course(steps), NOW);
    assert_eq!(effects, [Effect::Mint]);
    for (input, expected) in inputs {
        let said = format!("{input:?} in {:?}", pairing.stage());
        assert_eq!(pairing.step(input, NOW), expected, "{said}");
    }
    pairing
}

fn minted() -> Input {
    Input::Minted(Ok(()))
}

fn step(at: usize, outcome: Outcome) -> Input {
    Input::Step { at, outcome }
}

fn run(at: usize) -> Vec<Effect> {
    vec![Effect::Run { at, delay_ms: 0 }]
}

fn again(at: usize) -> Vec<Effect> {
    vec![Effect::Run { at, delay_ms: RETRY_MS }]
}

fn failure(pairing: &Pairing) -> String {
    match pairing.stage() {
        Stage::Failed(failure) => failure.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_board_takes_the_settings_and_comes_in() {
    let paired = walk(
        &["broker", ""],
        vec![
            (minted(), run(0)),
            (step(0, Outcome::Done), run(1)),
            (step(1, Outcome::Done), vec![]),
            (Input::Tick, vec![]),
            (Input::LoggedIn, vec![Effect::Keep]),
            (Input::LoggedIn, vec![]),
            (Input::Kept(Ok(())), vec![]),
            (Input::Cancelled, vec![]),
        ],
    );
    assert_eq!(paired.stage(), &Stage::Paired);
}

#[test]
fn a_board_that_is_in_before_it_answered_is_in() {
    let paired = walk(
        &["broker", ""],
        vec![
            (minted(), run(0)),
            (Input::LoggedIn, vec![Effect::Keep]),
            (step(0, Outcome::Lost("reset".into())), vec![]),
            (Input::Kept(Ok(())), vec![]),
        ],
    );
    assert_eq!(paired.stage(), &Stage::Paired);
}

#[test]
fn a_board_that_is_in_before_its_credential_is_known_to_be_made_is_in() {
    let paired = walk(
        &["broker"],
        vec![(Input::LoggedIn, vec![]), (minted(), vec![Effect::Keep]), (Input::Kept(Ok(())), vec![])],
    );
    assert_eq!(paired.stage(), &Stage::Paired);
}

#[test]
fn a_wrong_password_of_the_board_leaves_nothing_and_says_so() {
    let failed = walk(
        &["broker"],
        vec![
            (minted(), run(0)),
            (step(0, Outcome::Denied), vec![Effect::Revoke]),
            (Input::Revoked(Ok(())), vec![]),
        ],
    );
    assert_eq!(
        failure(&failed),
        "The board wants its own password, or the one that was given is wrong. Nothing was changed on the board. Give \
         the password of the board's web page, and try again."
    );
}

#[test]
fn a_board_that_restarts_in_the_middle_is_tried_again() {
    let gone = || Outcome::Unreachable("connection refused".into());
    let paired = walk(
        &["broker", ""],
        vec![
            (minted(), run(0)),
            (step(0, gone()), again(0)),
            (step(0, Outcome::Unexpected("503".into())), again(0)),
            (step(0, Outcome::Done), run(1)),
            (step(1, gone()), again(1)),
            (step(1, gone()), again(1)),
            (step(1, gone()), vec![]),
            (Input::LoggedIn, vec![Effect::Keep]),
            (Input::Kept(Ok(())), vec![]),
        ],
    );
    assert_eq!(paired.stage(), &Stage::Paired);
}

#[test]
fn a_board_that_never_answers_leaves_nothing_and_says_so() {
    let gone = || step(0, Outcome::Unreachable("no route".into()));
    let failed = walk(
        &["broker"],
        vec![
            (minted(), run(0)),
            (gone(), again(0)),
            (gone(), again(0)),
            (gone(), vec![Effect::Revoke]),
            (Input::Revoked(Ok(())), vec![]),
        ],
    );
    let told = failure(&failed);
    assert!(told.starts_with("The board did not answer 3 times: no route. Nothing was changed"), "{told}");
}

#[test]
fn a_board_that_knocked_but_whose_page_is_elsewhere_is_told_where_it_was_looked_for() {
    let at = Some("192.168.1.20, port 80".to_owned());
    let there = Course { place: at, knocked: true, ..course(&["broker"]) };
    let (mut pairing, _) = Pairing::begin(there, NOW);
    pairing.step(minted(), NOW);
    for _ in 0..TRIES_MAX {
        pairing.step(step(0, Outcome::Unreachable("connection refused".into())), NOW);
    }
    pairing.step(Input::Revoked(Ok(())), NOW);
    let told = failure(&pairing);
    assert!(told.contains("3 times at 192.168.1.20, port 80: connection refused."), "{told}");
    assert!(told.contains("may be at another port") && !told.contains("power"), "{told}");
}

#[test]
fn a_board_that_never_comes_in_leaves_nothing_and_what_it_was_told_is_said() {
    let (mut pairing, _) = Pairing::begin(course(&["address and user"]), NOW);
    pairing.step(minted(), NOW);
    pairing.step(step(0, Outcome::Done), NOW);
    assert_eq!(pairing.step(Input::Tick, NOW + 59_999), []);
    assert_eq!(pairing.step(Input::Tick, NOW + 60_000), [Effect::Revoke]);
    pairing.step(Input::LoggedIn, NOW + 60_001);
    pairing.step(Input::Revoked(Ok(())), NOW + 60_002);
    let told = failure(&pairing);
    assert!(
        told.starts_with("The board did not log in within 60 s. The board has address and user of"),
        "{told}"
    );
}

#[test]
fn a_step_whose_answer_was_lost_may_have_been_taken() {
    let lost = || step(0, Outcome::Lost("reset".into()));
    let failed = walk(
        &["address"],
        vec![
            (minted(), run(0)),
            (lost(), again(0)),
            (lost(), again(0)),
            (lost(), vec![]),
            (Input::Cancelled, vec![Effect::Revoke]),
            (Input::Revoked(Ok(())), vec![]),
        ],
    );
    assert!(failure(&failed).contains("The board has perhaps address of the try"), "{}", failure(&failed));
}

#[test]
fn what_the_database_cannot_take_leaves_nothing() {
    let failed = walk(&[], vec![(Input::Minted(Err("The disk is full.".into())), vec![])]);
    assert!(failure(&failed).starts_with("The disk is full."));
    let failed = walk(
        &[],
        vec![
            (minted(), vec![]),
            (Input::LoggedIn, vec![Effect::Keep]),
            (Input::Kept(Err("full".into())), vec![Effect::Revoke]),
            (Input::Revoked(Err("full".into())), vec![]),
        ],
    );
    assert!(failure(&failed).contains("locked out"), "{}", failure(&failed));
}

#[test]
fn a_credential_that_was_made_too_late_is_taken_away() {
    let failed = walk(
        &[],
        vec![
            (Input::Cancelled, vec![Effect::Revoke]),
            (Input::Revoked(Ok(())), vec![]),
            (minted(), vec![Effect::Revoke]),
        ],
    );
    assert!(failed.has_ended());
}

fn outcomes() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        Just(Outcome::Done),
        Just(Outcome::Denied),
        Just(Outcome::Unreachable("u".into())),
        Just(Outcome::Lost("l".into())),
        Just(Outcome::Unexpected("x".into())),
    ]
}

/// What happens next: an answer to the oldest open effect, or something nobody asked for.
#[derive(Debug, Clone)]
enum Next {
    Answer(bool, Outcome),
    Surprise(Input),
    Later(i64),
}

fn nexts() -> impl Strategy<Value = Next> {
    prop_oneof![
        6 => (any::<bool>(), outcomes()).prop_map(|(good, outcome)| Next::Answer(good, outcome)),
        1 => Just(Next::Surprise(Input::LoggedIn)),
        1 => Just(Next::Surprise(Input::Cancelled)),
        1 => (0usize..4, outcomes()).prop_map(|(at, outcome)| Next::Surprise(step(at, outcome))),
        2 => (0i64..200_000).prop_map(Next::Later),
    ]
}

proptest! {
    /// Whatever happens in whatever order, the end is one lasting credential, or none at all; and there is an end.
    #[test]
    fn it_ends_with_one_credential_that_was_proved_or_with_none(
        steps in proptest::collection::vec("[a-c]?", 0..4),
        nexts in proptest::collection::vec(nexts(), 0..60),
    ) {
        let mut now = NOW;
        let (mut pairing, effects) = Pairing::begin(Course { steps, login_ms: 60_000, place: None, knocked: false }, now);
        let mut open: std::collections::VecDeque<Effect> = effects.into();
        let (mut exists, mut lasting, mut proved, mut made) = (false, false, false, 0);
        // Enough at the end that everything asked for is answered and every deadline passes.
        let rest = std::iter::repeat_n(Next::Answer(true, Outcome::Done), 20)
            .chain(std::iter::repeat_n(Next::Later(STEP_MS_MAX + 1), 4))
            .chain(std::iter::repeat_n(Next::Answer(true, Outcome::Done), 5));
        for next in nexts.into_iter().chain(rest) {
            let input = match next {
                Next::Later(ms) => {
                    now += ms;
                    Input::Tick
                }
                // A login needs the credential, which is there when it is made, however late that is told.
                Next::Surprise(Input::LoggedIn) if !exists && made > 0 => continue,
                Next::Surprise(input) => {
                    proved |= input == Input::LoggedIn;
                    input
                }
                Next::Answer(good, outcome) => match open.pop_front() {
                    None => continue,
                    Some(Effect::Mint) if good => {
                        (exists, made) = (true, made + 1);
                        minted()
                    }
                    Some(Effect::Mint) => Input::Minted(Err("e".into())),
                    Some(Effect::Run { at, .. }) => step(at, outcome),
                    Some(Effect::Keep) if good && exists => {
                        lasting = true;
                        Input::Kept(Ok(()))
                    }
                    Some(Effect::Keep) => Input::Kept(Err("e".into())),
                    Some(Effect::Revoke) => {
                        // Locked out at once, whether or not the disk takes it.
                        (exists, lasting) = (false, false);
                        Input::Revoked(if good { Ok(()) } else { Err("e".into()) })
                    }
                },
            };
            open.extend(pairing.step(input, now));
        }
        prop_assert!(open.is_empty(), "{open:?}");
        match pairing.stage() {
            Stage::Paired => prop_assert!(exists && lasting && proved && made == 1),
            Stage::Failed(_) => prop_assert!(!exists && !lasting),
            other => prop_assert!(false, "no end: {other:?}"),
        }
    }
}
