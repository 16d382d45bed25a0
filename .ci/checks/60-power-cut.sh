# Power cuts on ext4 and xfs. The long run: 100 rounds each at three sizes.
set -euo pipefail
if ! command -v mkfs.xfs >/dev/null && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  (apt-get update && apt-get install -y xfsprogs) >/dev/null 2>&1 || true
fi
rounds=$([ -n "${PROOFS_LONG:-}" ] && echo 100 || echo 2)
python3 engine/server/proofs/power_cut.py --rounds "$rounds" || [ $? -eq 77 ]
