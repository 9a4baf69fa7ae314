#!/usr/bin/env bash
# Creates a scratch org, deploys the package's source, assigns the permission sets and runs every Apex test with coverage.
# Needs the Salesforce CLI (npm i -g @salesforce/cli) and a Dev Hub that it is logged in to (sf org login web --set-default-dev-hub).
#
#   scripts/try-in-scratch-org.sh [alias]       default alias: wonward
set -euo pipefail
cd "$(dirname "$0")/.."

alias=${1:-wonward}
# Long enough for a look around; the org goes by itself.
days=3
minutes=30

command -v sf > /dev/null || { echo 'The Salesforce CLI (sf) is missing: npm i -g @salesforce/cli' >&2; exit 1; }

sf org create scratch --definition-file config/project-scratch-def.json --alias "$alias" --duration-days "$days" --wait "$minutes"

# The External Client App refers to a consumer in the Dev Hub. A scratch org has none: there it stays out.
folders=()
for folder in force-app/main/default/*/ org-setup; do
  case $folder in
    */externalClientApps/ | */extlClntAppOauthSettings/) ;;
    *) folders+=(--source-dir "${folder%/}") ;;
  esac
done
sf project deploy start "${folders[@]}" --target-org "$alias" --wait "$minutes"

sf org assign permset --target-org "$alias" \
  --name Referral_Manager --name Referral_Integration --name Referral_Integration_Records

if compgen -G 'force-app/main/default/classes/*.cls' > /dev/null; then
  sf apex run test --target-org "$alias" --test-level RunLocalTests --code-coverage --result-format human --wait "$minutes"
else
  echo 'There are no Apex classes to test.'
fi

echo "Look around:  sf org open --target-org $alias"
echo "Throw away:   sf org delete scratch --target-org $alias --no-prompt"
