# Generated messages before readers of others: hl7apy over each of them, and a FHIR validator over what they make (both
# installed by 80-peers.sh, where pip and npm are there). GENERATED_MESSAGES says how many; PROOFS_LONG=1: 100000.
set -euo pipefail
messages=${GENERATED_MESSAGES:-$([ -n "${PROOFS_LONG:-}" ] && echo 100000 || echo 1500)}
peers="${TMPDIR:-/tmp}/sluice-peers"
sluice=${SLUICE_BINARY:-target/release/sluice}
python=$peers/venv/bin/python
[ -x "$python" ] || python=python3
"$python" engine/server/proofs/hl7apy_reads.py --messages "$messages" || [ $? -eq 77 ]

validator=$peers/lint
if [ ! -d "$validator/npm/pkg" ]; then
  echo "skipped: the validator could not be installed"
  exit 0
fi
feeds=$(mktemp -d)
trap 'rm -rf "$feeds"' EXIT
mkdir "$feeds/pam-fr" "$feeds/international"
# FILE, one part of so many of the messages (a patient has about five), and what else.
feed() {
  said=$("$sluice" generate --seed 9 --patients $((messages / $2 / 5 + 10)) -o "$feeds/$1.hl7" "${@:3}")
  echo "$1: ${said%%$'\n'*}"
}
feed pam-fr/EJ1 2 --ej EJ1 --structure
for ej in EJ2 EJ4; do feed "pam-fr/$ej" 24 --ej "$ej" --structure; done
# Who lives there has some fifty messages.
feed pam-fr/EJ3 240 --ej EJ3 --structure
for hl7 in 2.3 2.5.1 2.8; do feed "international/$hl7" 8 --ej EJ1 --dialect international --hl7 "$hl7"; done
rm "$feeds"/*/*.manifest.json
env -u SLUICE_BINARY SLUICE_FEEDS="$feeds" SLUICE_FHIRLINT="$validator/fhirlint.mjs" \
  cargo test -p sluice-mappings --test fhir_feeds -- --nocapture
