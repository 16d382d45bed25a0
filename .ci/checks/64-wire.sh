# Character sets cut at every byte, and every combination of MSH-15 and MSH-16, over a socket.
set -euo pipefail
python3 engine/server/proofs/charsets.py
python3 engine/server/proofs/acknowledgements.py
