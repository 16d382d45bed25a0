//! Runs, held against each other and put together.

use crate::binary::{accepting, message};
use crate::support::run;

#[test]
fn runs_are_compared_merged_and_called_invalid_by_their_exit_codes() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let feed: String = (0..200).map(|at| message("A28", at, at % 40, "")).collect();
    std::fs::write(folder.join("f.hl7"), feed).unwrap();
    let to = accepting();
    let play = |more: &[&str]| {
        let base = ["replay", "f.hl7", "--to", &to, "--rate", "400", "--slip-max", "10s"];
        run(folder, &[&base, more].concat()).status.code().unwrap()
    };
    assert_eq!(play(&["--report", "a.json", "--report", "a.svg"]), 0);
    assert!(std::fs::read_to_string(folder.join("a.svg")).unwrap().starts_with("<svg"));
    assert_eq!(play(&["--connections", "2", "--report", "b.json"]), 0);
    let compare = |one, other| run(folder, &["compare", one, other]).status.code().unwrap();
    assert_eq!(compare("a.json", "a.json"), 0);
    assert_eq!(compare("a.json", "b.json"), 2);
    let changed = |name: &str, change: &dyn Fn(&mut serde_json::Value)| {
        let text = std::fs::read_to_string(folder.join("a.json")).unwrap();
        let mut report: serde_json::Value = serde_json::from_str(&text).unwrap();
        change(&mut report);
        std::fs::write(folder.join(name), report.to_string()).unwrap();
    };
    changed("slower.json", &|report| {
        let p99 = &mut report["cases"][0]["figures"]["response.p99"]["values"];
        for value in p99.as_array_mut().unwrap() {
            *value = (value.as_f64().unwrap() * 1.5).into();
        }
    });
    assert_eq!((compare("a.json", "slower.json"), compare("slower.json", "a.json")), (1, 0));
    changed("invalid.json", &|report| report["standing"] = "invalid".into());
    assert_eq!(compare("a.json", "invalid.json"), 3);
    // A sender that may not be late at all is.
    assert_eq!(play(&["--slip-max", "0s"]), 2, "an option twice is wrong usage");
    let late = run(folder, &["replay", "f.hl7", "--to", &to, "--rate", "400", "--slip-max", "0s"]);
    assert_eq!(late.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&late.stdout).contains("INVALID: the sender fell behind"));
    for shard in ["1/2", "2/2"] {
        let file = format!("s{}.json", &shard[..1]);
        assert_eq!(play(&["--shard", shard, "--report", &file]), 0);
    }
    let merged = run(folder, &["merge", "s1.json", "s2.json", "-o", "whole.json"]);
    assert!(String::from_utf8_lossy(&merged.stdout).contains("accepted 200"), "{merged:?}");
    let twice = run(folder, &["merge", "s1.json", "s1.json", "-o", "whole.json"]);
    assert_eq!(twice.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&twice.stderr).contains("shard 1 is there twice"));
    let history = run(folder, &["history", "."]);
    assert!(String::from_utf8_lossy(&history.stdout).contains("a.json"));
}
