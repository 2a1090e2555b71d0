#!/usr/bin/env bash
# Posts $OUT/report.md on the pull request, in place of an earlier report of ours. Needs GitHub's `gh`, GH_TOKEN, REPOSITORY, PULL_REQUEST.
set -euo pipefail

marker=$(head -n 1 "$OUT/report.md")
comments="repos/$REPOSITORY/issues/$PULL_REQUEST/comments"

# A pull request from a fork has a token that may not write: the report is then in the job's summary only, and this says so.
post() {
    if ! gh api "$@" --field "body=@$OUT/report.md" --silent; then
        echo "::warning title=redmobile::The report could not be posted (permission pull-requests: write?); it stands in the job's summary."
    fi
}

earlier=$(gh api --paginate "$comments" --jq ".[] | select(.body | startswith(\"$marker\")) | .id" | head -n 1)
if [[ -n $earlier ]]; then
    post --method PATCH "repos/$REPOSITORY/issues/comments/$earlier"
else
    post --method POST "$comments"
fi
