# shellcheck shell=bash
# scripts/lib.sh -- what the commands in this folder share.  Sourced; sets $root.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

die() {
    echo "${0##*/}: $*" >&2
    exit 1
}

# quietly LOG COMMAND...: runs it with all output in LOG; shows the end of it when it fails.
quietly() {
    local log=$1
    shift
    mkdir -p "$(dirname "$log")"
    if ! "$@" >"$log" 2>&1; then
        tail -n 40 "$log" >&2
        die "failed: $* (all of it: ${log#"$root"/})"
    fi
}

# The commands of Debian are not always on the path of a plain user.
export PATH=$PATH:/usr/sbin:/sbin
