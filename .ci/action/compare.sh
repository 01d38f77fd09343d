#!/bin/sh
# Compares what the base of a pull request has with what the checkout has, and says in a comment what comes out: one comment, which later
# pushes change. Set: EVENKEEL_PATHS (words), EVENKEEL_RUNS, BASE (a commit), PULL_REQUEST (its number), GITHUB_REPOSITORY.
set -eu

marker='<!-- evenkeel compare -->'
# GitHub takes 65,536 characters.
most=60000

work="$(mktemp -d)"
trap 'git worktree remove --force "$work/base" 2> /dev/null || true; rm -rf "$work"' EXIT
git fetch --quiet --depth=1 origin "$BASE"
git worktree add --quiet --detach "$work/base" "$BASE"
# The two are named by the ends of their paths.
ln -s "$PWD" "$work/head"

changed=false
echo "$marker" > "$work/comment.md"
for path in $EVENKEEL_PATHS; do
  if git diff --quiet "$BASE" -- "$path" || [ ! -e "$work/base/$path" ]; then
    continue
  fi
  changed=true
  printf '\n## evenkeel: what changes in `%s`\n\n' "$path" >> "$work/comment.md"
  # 1 says that an expectation is not met.
  evenkeel compare "$work/base/$path" "$work/head/$path" --runs "$EVENKEEL_RUNS" --format markdown --no-png \
    --out "$work/out" >> "$work/comment.md" || [ $? -eq 1 ]
done
if [ "$changed" = false ]; then
  echo "nothing to compare: no path has changed that the base has"
  exit 0
fi
head -c "$most" "$work/comment.md" > "$work/body.md"

comments="repos/$GITHUB_REPOSITORY/issues"
mine="$(gh api --paginate "$comments/$PULL_REQUEST/comments" --jq ".[] | select(.body | startswith(\"$marker\")) | .id" | head -n 1)"
if [ -n "$mine" ]; then
  gh api --silent --method PATCH "$comments/comments/$mine" --field "body=@$work/body.md"
else
  gh api --silent --method POST "$comments/$PULL_REQUEST/comments" --field "body=@$work/body.md"
fi
