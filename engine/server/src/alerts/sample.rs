//! The metrics at a moment, read from their own text: what is told here is what Prometheus sees.

use std::collections::BTreeMap;

/// One line: its labels in order, and its value.
pub struct Series {
    pub labels: BTreeMap<String, String>,
    pub value: f64,
}

/// By name.
#[derive(Default)]
pub struct Sample(BTreeMap<String, Vec<Series>>);

impl Sample {
    /// Lines that are none are left out: there are none in our own text.
    pub fn read(text: &str) -> Self {
        let mut sample = Self::default();
        for line in text.lines().filter(|line| line.starts_with("sluice_")) {
            let Some((series, value)) = line.rsplit_once(' ') else { continue };
            let Ok(value) = value.parse() else { continue };
            let (name, labels) = series.split_once('{').unwrap_or((series, ""));
            let labels = labels.trim_end_matches('}').split("\",");
            let labels = labels.filter_map(|label| {
                let (name, value) = label.split_once("=\"")?;
                Some((name.to_owned(), value.trim_end_matches('"').to_owned()))
            });
            let series = Series { labels: labels.collect(), value };
            sample.0.entry(name.to_owned()).or_default().push(series);
        }
        sample
    }

    pub fn all(&self, name: &str) -> &[Series] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }

    /// Sums of a name, by one of its labels.
    pub fn by(&self, name: &str, label: &str) -> BTreeMap<&str, f64> {
        let mut sums = BTreeMap::new();
        for series in self.all(name) {
            if let Some(value) = series.labels.get(label) {
                *sums.entry(value.as_str()).or_insert(0.0) += series.value;
            }
        }
        sums
    }

    pub fn sum(&self, name: &str) -> f64 {
        self.all(name).iter().map(|series| series.value).sum()
    }
}
