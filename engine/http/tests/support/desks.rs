//! Acts, channels, messages and deliveries that the tests know by heart.

use sluice_http::{
    AckTold, ActDesk, ActTold, Acts, Again, BadChannelFile, CacheAct, ChannelAct, ChannelDesk,
    ChannelTold, DeliveryDesk, Forgotten, LetterAct, LetterPlace, LetterTold, LettersPage,
    MessageDesk, MessageLine, MessageShown, MessagesAsked, MessagesFound, NotAgain, NotFound,
    NotRecorded, QueueTold, ReloadTold,
};
use sluice_ids::{ChannelId, DestinationName, EjId, Micros, Phi, Seq};

use super::ej;
use super::vitals::TestVitals;

impl ActDesk for TestVitals {
    fn acts(&self, ej: EjId) -> Result<Acts<'_>, Forgotten> {
        let acts = self.acts.lock();
        let of_ej: Vec<ActTold> = acts.iter().filter(|act| act.ej == ej).rev().cloned().collect();
        Ok(Box::new(of_ej.into_iter().map(Ok)))
    }

    fn caches(&self, act: CacheAct, by: &str) -> Result<(), NotRecorded> {
        if *self.full.lock() {
            return Err(NotRecorded);
        }
        let mut acts = self.acts.lock();
        let seq = Seq::new(acts.len() as u64 + 1);
        let act = match act {
            CacheAct::Cleared => "cache_cleared",
            CacheAct::Warmed => "cache_warmed",
        };
        for ej in [ej("EJ1"), ej("EJ2")] {
            let (at, about) = (Micros::new(seq.get() as i64), serde_json::json!({ "act": act }));
            acts.push(ActTold { ej, seq, at, by: by.to_owned(), about });
        }
        Ok(())
    }
}

/// `one` of EJ1 runs, `two` of both too; stopping and pausing is remembered.
impl ChannelDesk for TestVitals {
    fn channels(&self) -> Vec<ChannelTold> {
        let told = |(id, ejs): (&str, &[&str])| ChannelTold {
            id: ChannelId::new(id).unwrap(),
            ejs: ejs.iter().map(|name| ej(name)).collect(),
            source: "mllp",
            address: Some("127.0.0.1:5600".parse().unwrap()),
            state: self.channels.lock().get(id).copied().unwrap_or("running"),
            file: None,
            problem: None,
        };
        [("one", &["EJ1"][..]), ("two", &["EJ1", "EJ2"])].into_iter().map(told).collect()
    }

    fn bad_files(&self) -> Vec<BadChannelFile> {
        vec![BadChannelFile {
            file: "c.toml".to_owned(),
            problems: vec!["c.toml:1: no".to_owned()],
        }]
    }

    fn act(
        &self,
        id: ChannelId,
        act: ChannelAct,
        _: &str,
    ) -> Result<Option<ChannelTold>, NotRecorded> {
        if *self.full.lock() {
            return Err(NotRecorded);
        }
        let state = match act {
            ChannelAct::Start => "running",
            ChannelAct::Stop => "stopped",
            ChannelAct::Pause => "paused",
        };
        self.channels.lock().insert(id.to_string(), state);
        Ok(ChannelDesk::channels(self).into_iter().find(|told| told.id == id))
    }

    fn reload(&self, _: &str) -> ReloadTold {
        let error = self.full.lock().then(|| "site.toml: no".to_owned());
        ReloadTold { not_in_force: self.bad_files(), error, ..ReloadTold::default() }
    }
}

/// Three messages of each EJ: 5, 6 and 7, whose numbers are the EJ's own.
fn line(ej: EjId, seq: u64) -> MessageLine {
    MessageLine {
        seq: Seq::new(seq),
        received_at: Micros::new(5_000_000),
        channel: format!("{ej}.mllp"),
        event: "A01".into(),
        control_id: Phi::new(if ej.as_str() == "EJ2" {
            "Zqxsecret".into()
        } else {
            format!("C{seq}")
        }),
        verdict: "accepted",
        became: "applied",
        held: false,
        issues: 2,
        severity: Some("warning"),
        brought: "sent",
        of: None,
    }
}

impl MessageDesk for TestVitals {
    fn messages(
        &self,
        ej: EjId,
        asked: &MessagesAsked,
        count: usize,
    ) -> Result<MessagesFound, NotFound> {
        if asked.outcome.as_deref().is_some_and(|outcome| outcome != "applied") {
            return Err(NotFound::Parameter("outcome"));
        }
        let of_ej = (5..=7).rev().filter(|seq| asked.before.is_none_or(|b| *seq < b.get()));
        let of_ej = of_ej.filter(|_| asked.of.is_none()).map(|seq| line(ej, seq));
        let is = |line: &MessageLine| {
            asked.control_id.as_ref().is_none_or(|id| id.expose() == line.control_id.expose())
        };
        let mut lines: Vec<_> = of_ej.filter(is).collect();
        let next = lines.get(count).map(|line| line.seq.next());
        lines.truncate(count);
        Ok(MessagesFound { lines, next, missing_through: None })
    }

    fn shown(&self, ej: EjId, seq: Seq) -> Result<MessageShown, Forgotten> {
        if !(5..=7).contains(&seq.get()) {
            return Err(Forgotten::Unknown);
        }
        let line = line(ej, seq.get());
        let text = format!("MSH|^~\\&|||||||ADT^A01|{}|P|2.5\r", line.control_id.expose());
        let raw = text.clone().into_bytes().into();
        let ack = AckTold { code: "AA", when_applied: false, text: "MSA|AA\r".into() };
        Ok(MessageShown { line, raw, text, ack: Some(ack), by: None })
    }

    fn deliveries(&self, _: EjId, _: Seq) -> Vec<serde_json::Value> {
        Vec::new()
    }

    fn reprocess(&self, _: EjId, messages: &[Seq], _: &str) -> Vec<(Seq, Result<Again, NotAgain>)> {
        let again = |of: &Seq| match of.get() {
            5..=7 => Ok(Again { of: *of, seq: Seq::new(of.get() + 100), verdict: "accepted" }),
            _ => Err(NotAgain::Unknown),
        };
        messages.iter().map(|of| (*of, again(of))).collect()
    }

    fn resend(&self, _: EjId, of: Seq, edited: &[u8], _: &str) -> Result<Again, NotAgain> {
        match (of.get(), edited.starts_with(b"MSH")) {
            (5..=7, true) => Ok(Again { of, seq: Seq::new(99), verdict: "accepted" }),
            (5..=7, false) => Err(NotAgain::Refused { verdict: "unreadable", at: None }),
            _ => Err(NotAgain::Unknown),
        }
    }
}

impl DeliveryDesk for TestVitals {
    fn queues(&self) -> Vec<QueueTold> {
        let queue = |ej| QueueTold {
            ej,
            channel: "EJ1.mllp".to_owned(),
            destination: "lab".to_owned(),
            kind: "mllp",
            state: if *self.paused.lock() { "paused" } else { "running" },
            why: None,
            cursor: Seq::new(7),
            depth: 2,
            depth_is_exact: true,
            in_flight: 1,
            oldest: Some(Micros::new(5_000_000)),
            delivered_per_s: 0.5,
            delivered_total: 30,
            dead_letters_total: 1,
            trouble: Some("AE 207".to_owned()),
        };
        [ej("EJ1"), ej("EJ2")].map(queue).to_vec()
    }

    fn pause(
        &self,
        ejs: &[EjId],
        channel: ChannelId,
        destination: DestinationName,
        paused: bool,
        by: &str,
    ) -> Result<(), NotRecorded> {
        assert_eq!((ejs, by.is_empty()), (&[ej("EJ1"), ej("EJ2")][..], false));
        assert_eq!((channel.as_str(), destination.as_str()), ("EJ1.mllp", "lab"));
        if *self.full.lock() {
            return Err(NotRecorded);
        }
        *self.paused.lock() = paused;
        Ok(())
    }

    fn letters(&self, of: EjId, after: Option<LetterPlace>, count: usize) -> LettersPage {
        let letter = |seq, way| LetterTold {
            seq: Seq::new(seq),
            way,
            reason: "the peer refused it",
            code: Some("AE 101".to_owned()),
            since: Micros::new(5_000_000),
            retrying: false,
        };
        let way = Some(("EJ1.mllp".to_owned(), "lab".to_owned()));
        let all = if of == ej("EJ1") { vec![letter(4, None), letter(5, way)] } else { Vec::new() };
        let place = |told: &LetterTold| LetterPlace::of(&told.id());
        let mut letters = all.clone();
        letters.retain(|told| after.is_none() || place(told) > after);
        let more = letters.len() > count;
        letters.truncate(count);
        LettersPage { letters, more, total: all.len() }
    }

    fn letter(&self, of: EjId, place: LetterPlace) -> Option<LetterTold> {
        let all = self.letters(of, None, usize::MAX).letters;
        all.into_iter().find(|told| LetterPlace::of(&told.id()) == Some(place))
    }

    fn act(
        &self,
        _: EjId,
        letter: &LetterTold,
        act: LetterAct,
        by: &str,
    ) -> Result<(), NotRecorded> {
        if *self.full.lock() {
            return Err(NotRecorded);
        }
        self.letter_acts.lock().push((letter.id(), act, by.to_owned()));
        Ok(())
    }
}
