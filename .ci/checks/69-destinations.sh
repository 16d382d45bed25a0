# Ways out, with peers that fail, hang, reset and slow down: kill -9 during delivery, to every kind of destination; a python-hl7
# server; TLS and OAuth2; and what ingest loses to destinations that get nowhere, printed as a ratio. The long run:
# PROOFS_LONG=1 (200 rounds).
set -euo pipefail
long=${PROOFS_LONG:-}
python3 engine/server/proofs/destinations.py --rounds "$([ -n "$long" ] && echo 200 || echo 20)"
python3 engine/server/proofs/out_hl7.py "${TMPDIR:-/tmp}/sluice-peers" --messages "$([ -n "$long" ] && echo 2000 || echo 100)" || [ $? -eq 77 ]
python3 engine/server/proofs/out_tls.py || [ $? -eq 77 ]
python3 engine/server/proofs/out_oauth2.py --seconds "$([ -n "$long" ] && echo 60 || echo 6)" || [ $? -eq 77 ]
sluice=$(realpath "${SLUICE_BINARY:-target/release/sluice}")
bench=$(mktemp -d)
trap 'rm -rf "$bench"' EXIT
(cd "$bench" && env -u SLUICE_BINARY "$sluice" bench delivery --seconds "$([ -n "$long" ] && echo 8 || echo 2)" \
  --rounds "$([ -n "$long" ] && echo 5 || echo 1)" --fail 'refused==0' --fail 'delivered==0')
