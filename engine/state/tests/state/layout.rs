//! Guards the layout number: postcard has no field names, so that a changed record type could be
//! read back wrongly.

use sluice_ids::Seq;
use sluice_mappings::records::RecordType;

use crate::model::Model;
use crate::world::{self, Dice};

#[test]
fn a_changed_record_type_has_a_layout_of_its_own() {
    let ej = world::ej("EJ1");
    let seq = Seq::new(1);
    let model = Model::default();
    let mut dice = Dice(4);
    let who = world::id(ej, RecordType::Patient, 1);
    let records = [
        world::patient(ej, 1, None, seq, &mut dice),
        // The third roll is a stay with movements.
        world::stay(ej, 1, who, None, seq, &mut dice),
        world::stay(ej, 2, who, None, seq, &mut dice),
        world::location(ej, 1, None, seq),
        world::observation(ej, &model, seq, 1, &mut dice),
        world::allergy(ej, &model, seq, 1, &mut dice),
    ];
    // JSON, since it names the fields.
    let text = serde_json::to_string(&records).unwrap();
    assert!(text.contains("\"movements\":[{"));
    let form: u32 = crc32c::crc32c(text.as_bytes());
    assert_eq!(
        (sluice_state::LAYOUT, form),
        (8, 2_889_393_843),
        "record types changed: raise layout::LAYOUT, then pin the new pair here"
    );
}
