#!/usr/bin/env bash
# Starts the hub in demo mode and the kiosk with simulated hardware, waits until
# both serve, says where, and ends both on ctrl-C. Only its own children are
# ever ended.
set -euo pipefail

data=${DATA:-.run}
reader=${READER:-virtual}
ui=127.0.0.1:8080 api=127.0.0.1:8443 console=127.0.0.1:8090
mkdir -p "$data"

# A port that answers already belongs to somebody else.
taken=("$ui" "$api" "$console")
for address in "${taken[@]}"; do
  if (exec 3<>"/dev/tcp/${address%:*}/${address#*:}") 2>/dev/null; then
    echo "run: $address is taken by another program: end that first (is kioskd running already?)" >&2
    exit 1
  fi
done

case "$reader" in
  virtual | pcsc) ;;
  *) echo "run: READER is virtual (the dock's own) or pcsc (the dock's cards below a real pcscd)" >&2; exit 2 ;;
esac

children=()
names=()
ended=0
finish() {
  trap - EXIT INT TERM
  for pid in "${children[@]}"; do kill -TERM "$pid" 2>/dev/null || true; done
  for pid in "${children[@]}"; do wait "$pid" 2>/dev/null || true; done
  exit "$ended"
}
trap finish EXIT
trap 'ended=0; echo; echo "run: ending"; finish' INT TERM

# start NAME COMMAND...: setsid, so that ctrl-C reaches this script alone, which
# then ends its children in order.
start() {
  local name=$1
  shift
  setsid "$@" >"$data/$name.log" 2>&1 &
  children+=($!)
  names+=("$name")
}

settings=()
if [ "$reader" = pcsc ]; then
  mkdir -p "$data/pcsc"
  pcsc=$(realpath "$data/pcsc")
  start pcscd .cache/bin/privatepcscd "$pcsc"
  export PCSCLITE_CSOCK_NAME=$pcsc/socket/pcscd.comm
  printf 'simulate = true\n[reader]\ndriver = "pcsc"\nvpcd = "%s"\n' "$pcsc/cards" >"$data/pcsc/kioskd.toml"
  settings=(--config "$data/pcsc/kioskd.toml")
fi
start kioskd bin/kioskd --sim "${settings[@]}" --data "$data/kioskd" --enrolment "$data/hubd/enrolment/demo.json"
start hubd bin/hubd --demo --data "$data/hubd"

# alive fails, with the end of its log, as soon as a child has ended.
alive() {
  for i in "${!children[@]}"; do
    if ! kill -0 "${children[$i]}" 2>/dev/null; then
      echo "run: ${names[$i]} has ended; the end of $data/${names[$i]}.log:" >&2
      tail -n 15 "$data/${names[$i]}.log" >&2
      ended=1
      return 1
    fi
  done
}

for address in "$ui" "$console"; do
  waited=0
  until (exec 3<>"/dev/tcp/${address%:*}/${address#*:}") 2>/dev/null; do
    alive || exit 1
    waited=$((waited + 1))
    [ "$waited" -lt 150 ] || { echo "run: nothing serves $address after 30 s; see $data/*.log" >&2; ended=1; exit 1; }
    sleep 0.2
  done
done

cat <<TEXT

  the kiosk's screen    http://$ui/
  the simulated devices http://$ui/dock     put a card on the reader, take the slip, cut the line
  the hub's console     http://$console/    the SMS codes, kiosks and applications

  logs and data are in $data/ - ctrl-C ends both

TEXT

wait -n "${children[@]}" || true
alive
