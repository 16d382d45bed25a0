# Whole feeds against the oracle.
set -euo pipefail
prove="python3 engine/server/proofs/feeds.py"
$prove $(for ej in EJ1 EJ2 EJ3 EJ4; do echo --ej $ej=fixtures/feeds/demo/$ej.hl7; done)
pam=$(ls fixtures/messages/pam-fr/*.hl7 | head -12 | paste -sd,)
$prove --ej EJ1="$pam" --ej EJ2="$(ls fixtures/messages/pam-fr/13*.hl7)"
if [ -f ../shared/feeds/simulated-hospital-adt.hl7 ]; then
  $prove --ej EJ1=../shared/feeds/simulated-hospital-adt.hl7
else
  echo "skipped: the simulated hospital's feed is not here"
fi
