#!/usr/bin/env bash
# tests/bench/soak.sh -- many clients echo for a while against a build with sanitizers: no error,
# no lost connection, no leak (the server must end with 0 on SIGTERM), resident memory flat.
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)

usage() {
    cat <<'TEXT'
usage: tests/bench/soak.sh [--seconds S] [--clients N] [--in-flight P] [--bytes B] [--step S]
                           [-- COMMAND...]
  --seconds   how long (60)
  --clients   concurrent WebSocket clients (1000)
  --in-flight unanswered echoes of each (4)
  --step      seconds between two looks at the server's memory (10)
  COMMAND     the server (default: $SIOC_BIN or build/dev/sioc with examples/bench/bench.lua); it must
              print 'listening on http://HOST:PORT' and end with 0 on SIGTERM
TEXT
}

seconds=60 clients=1000 in_flight=4 bytes=128 step=10
while [ $# -gt 0 ]; do
    case $1 in
    --seconds) seconds=${2:?} && shift ;;
    --clients) clients=${2:?} && shift ;;
    --in-flight) in_flight=${2:?} && shift ;;
    --bytes) bytes=${2:?} && shift ;;
    --step) step=${2:?} && shift ;;
    --) shift && break ;;
    --help) usage && exit 0 ;;
    *) usage >&2 && exit 2 ;;
    esac
    shift
done
[ $# -gt 0 ] ||
    set -- "${SIOC_BIN:-$root/build/dev/sioc}" "$root/examples/bench/bench.lua" --port 0

. "$root/tests/bench/lib.sh"

# The quarantine is what AddressSanitizer keeps of freed memory; left at 256 MiB it looks like a leak.
export ASAN_OPTIONS="quarantine_size_mb=16:${ASAN_OPTIONS-}"

# Flat: from the first third of the run to its end the server grows by less than a tenth, and 4 MiB
# for the allocator's moods.  A leak of 16 bytes per echo is some 100 MiB in a minute.
memory_flat() {
    awk '/ rss / { rss[++n] = $(NF - 3) }
        END {
            if (n < 3) { print "memory: too few samples to judge"; exit 0 }
            from = rss[int((n + 2) / 3)]; to = rss[n]
            printf "memory: %.1f MiB after a third of the time, %.1f MiB at the end\n", from, to
            exit to > from * 1.1 + 4
        }' "$bench_tmp/progress"
}

bad=
complain() {
    echo "soak: $*" >&2
    bad=yes
}

bench_build_alone
bench_raise_files
server_start "$@" || exit 1
generator --mode echo --clients "$clients" --in-flight "$in_flight" --bytes "$bytes" \
    --seconds "$seconds" --warmup 2 --open-timeout 120 --progress "$step" \
    2> >(tee "$bench_tmp/progress" >&2)
[ "$(result verdict)" = ok ] || complain "answers were wrong or missing, or connections lost"
server_alive || complain "the server is gone"
server_stop 300 # a leak check after 1,000 clients takes its time
[ "$server_status" = 0 ] || complain "the server ended with $server_status"
memory_flat || complain "the server's memory grows"
cat "$bench_tmp/result"
if [ -n "$bad" ]; then
    tail -n 60 "$bench_tmp/err" >&2
    echo "soak: FAILED"
    exit 1
fi
echo "soak: passed"
