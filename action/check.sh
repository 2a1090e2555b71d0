#!/usr/bin/env bash
# What action.yml runs: parity, benchmarks, comparison with baselines, and one report of it all. Works on any machine:
#   MODEL=my.tflite ONNX=my.onnx IMAGES=photos/ TARGETS="ethos-u65-512" OUT=report action/check.sh
# A failed gate, a missed budget and a regression are noted and reported; anything else ends it with its own exit code.
set -uo pipefail

: "${MODEL:?the .tflite file, or a model on the shelf}"
plan=${PLAN:-model_latency}
baselines=${BASELINES:-benchmarks/baselines}
out=${OUT:-redmobile-report}
documents=()
failed=()

# note WHAT CODE COMMAND… : run a command; CODE is noted as "WHAT failed", any other but 0 ends the script.
note() {
    local what=$1 noted=$2 code=0
    shift 2
    "$@" || code=$?
    case $code in
    0) ;;
    "$noted") [[ " ${failed[*]-} " == *" $what "* ]] || failed+=("$what") ;;
    *) exit "$code" ;;
    esac
}

mkdir -p "$out"

if [[ -n ${IMAGES:-} ]]; then
    parity=(redmobile parity "$MODEL" --images "$IMAGES" --out "$out/parity.json" --sheet "$out/parity.png")
    [[ -z ${ONNX:-} ]] || parity+=(--onnx "$ONNX")
    note parity 5 "${parity[@]}"
    documents+=("$out/parity.json")
fi

if [[ " ${TARGETS-} " == *" qemu:"* ]]; then
    redmobile emulator install || exit $? # at once where it is there
fi

for target in ${TARGETS-}; do
    name=$(basename "$plan" .toml)-${target//[^A-Za-z0-9.-]/-}
    note budget 6 redmobile bench "$plan" --on "$target" --model "$MODEL" --out "$out/$name.json"
    documents+=("$out/$name.json")
    code=0
    redmobile bench compare "$baselines" "$out/$name.json" --tolerance "${TOLERANCE:-0.05}" --out "$out/$name-change.json" || code=$?
    case $code in
    0) documents+=("$out/$name-change.json") ;;
    6)
        documents+=("$out/$name-change.json")
        [[ " ${failed[*]-} " == *" regression "* ]] || failed+=(regression)
        ;;
    10) echo "No baseline for $target in $baselines yet: nothing to compare with." ;;
    *) exit "$code" ;;
    esac
done

if ((${#documents[@]} == 0)); then
    echo "Nothing to do: set IMAGES, TARGETS, or both." >&2
    exit 2
fi

redmobile report "${documents[@]}" --out "$out/report.html" --markdown "$out/report.md" --junit "$out/report.xml" || exit $?

if [[ -n ${GITHUB_STEP_SUMMARY:-} ]]; then
    cat "$out/report.md" >>"$GITHUB_STEP_SUMMARY"
fi
if [[ -n ${GITHUB_OUTPUT:-} ]]; then
    {
        echo "failed=${failed[*]-}"
        echo "report=$out/report.html"
    } >>"$GITHUB_OUTPUT"
fi
echo "Failed: ${failed[*]:-nothing}"
