#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The demo: a server with a sample policy and sample people, a support agent at work, and a link that
# signs the visitor in. `make run` starts it from a checkout, `fermata demo` from an installation.
#
# Ctrl-C stops all of it; started again it goes on where it was. FERMATA_DATA names another folder than
# ./fermata-data, PORT another port than 8600 (the next free one is taken), FERMATA_POLICY another policy.
# MODEL_URL and MODEL_NAME let a language model think for the agent (key in MODEL_KEY). A folder that the
# demo did not make is served as it is: nobody is added to it and no agent works in it.
set -euo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

FERMATA=${FERMATA_BIN:-$(dirname "$HERE")/build/fermata}
FERMATA=${FERMATA#"$PWD/"}
DATA=${FERMATA_DATA:-./fermata-data}
POLICY=${FERMATA_POLICY:-$HERE/policies/demo.yaml}
SAMPLE=$DATA/sample.env # the sample people's password and the agent's key; mode 0600, like the folder
AGENT=$HERE/support-agent/agent.py
WAITING_FIRST=10 # so many wait when the visitor is invited, or it has taken INVITE_S
INVITE_S=20
export FERMATA_DATA=$DATA

server= agent=
umask 077

# The server answers what waits before it goes; the agent only waits.
stop() {
    trap - EXIT INT TERM HUP
    [[ -z $agent ]] || kill "$agent" 2>/dev/null || true
    if [[ -n $server ]] && kill "$server" 2>/dev/null; then
        echo
        echo "stopping ..."
    fi
    wait 2>/dev/null || true
    rm -f "${started:-}"
}
trap stop EXIT
trap 'exit 0' INT TERM HUP # the ordinary end

# Port 0 lets the kernel pick.
free_port() {
    local port last=$(($1 == 0 ? 0 : $1 + 50))
    for port in $(seq "$1" $((last > 65535 ? 65535 : last))); do
        if ((port == 0)) || ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
            echo "$port"
            return
        fi
    done
    echo "no free port from $1 on" >&2
    return 1
}

make_password() {
    head -c 12 /dev/urandom | od -An -tx1 | tr -d ' \n' # hexadecimal: no name is ever in it
}

make_samples() {
    local password=$1 role_options who answer
    add() { # name, roles...
        who=$1 role_options=()
        shift
        for role; do role_options+=(--role "$role"); done
        "$FERMATA" user add "$who" "${role_options[@]}" --password-stdin --json <<<"$password" >/dev/null
    }
    add you reviewer lead policy admin auditor
    add ana reviewer
    add ben reviewer
    add lena lead
    add petra policy
    answer=$("$FERMATA" agent add support-agent --owner lena --json)
    printf 'PASSWORD=%s\nAGENT_KEY=%s\n' "$password" \
        "$(sed -E 's/.*"key":"([^"]+)".*/\1/' <<<"$answer")" >"$SAMPLE"
}

# Waits for the line with the URL; the server's log lines go to a file in the data folder.
start_server() {
    started=$(mktemp)
    "$FERMATA" serve --listen "127.0.0.1:$1" --policy "$POLICY" --policy-alone \
        >"$started" 2>>"$DATA/server.log" &
    server=$!
    while ! url=$(grep -oE 'listening on http://[^ ]+' "$started" | cut -d ' ' -f 3); do
        if ! kill -0 "$server" 2>/dev/null; then
            grep -v '^{' "$DATA/server.log" | tail -n 3 >&2 || true # log lines are JSON, complaints are not
            server=
            exit 1
        fi
        sleep 0.05
    done
}

start_agent() {
    local model=()
    [[ -z ${MODEL_URL:-} ]] || model=(--model-url "$MODEL_URL" --model "${MODEL_NAME:-default}")
    FERMATA_KEY=$AGENT_KEY PYTHONDONTWRITEBYTECODE=1 python3 "$AGENT" --url "$url" \
        --data "$DATA/support-agent.db" --pace "${PACE:-0.6}" --quiet-opening "${model[@]}" &
    agent=$!
}

waiting() {
    FERMATA_KEY=$AGENT_KEY curl -sS -H "Authorization: Bearer $AGENT_KEY" \
        "$url/v1/proposals?status=pending&limit=50" | grep -o '"status":"pending"' | wc -l
}

# Until there is something to look at, or nothing more will come.
await_proposals() {
    local end=$((SECONDS + INVITE_S))
    while (($(waiting) < WAITING_FIRST && SECONDS < end)) && kill -0 "$agent" 2>/dev/null; do
        sleep 0.3
    done
}

PORT=${PORT:-8600}
if ! [[ $PORT =~ ^(0|[1-9][0-9]{0,4})$ ]] || ((PORT > 65535)); then
    echo "PORT is 0 to 65535, not $PORT" >&2
    exit 2
fi
if [[ ! -x $FERMATA ]]; then
    echo "there is no $FERMATA: run make" >&2
    exit 1
fi
if [[ ! -e $DATA/fermata.db ]]; then
    echo "making $DATA with sample people and an agent ..."
    mkdir -p "$DATA"
    make_samples "$(make_password)"
fi

start_server "$(free_port "$PORT")"
if [[ ! -f $SAMPLE ]]; then
    echo "  Fermata is at   $url   with your own folder $DATA. Ctrl-C stops it."
    wait "$server" || true
    server=
    exit 0
fi
# shellcheck source=/dev/null
source "$SAMPLE"
if command -v python3 >/dev/null; then
    echo "the support agent reads its mailbox ..."
    start_agent
    await_proposals
else
    echo "there is no python3: the sample agent does not run, and nothing will wait"
fi
link=$("$FERMATA" user link you --json | sed -E 's/.*"link":"([^"]+)".*/\1/')
cat <<END

  What to look at
    Inbox         a dozen cases wait: refunds, a moved customer, a death, an injury. Decide one, and
                  this terminal says what the agent does next. Ask it something, and it answers.
    Attacks       two mails try to talk the agent into something; their cards say what was found.
    Done          what became of what you decided.
    The log       $FERMATA audit verify --data $DATA

  Others        ana, ben (reviewers), lena (lead), petra (policy)   password  $PASSWORD
  Ctrl-C stops it all, the same command goes on. Delete $DATA to start anew.

  Open this, once, within ten minutes: it signs you in.
    $link

END
wait "$server" || true
server=
