# The commands for working with FastDeploy. `./justw` lists them.

set positional-arguments

run := "uv run --frozen --extra embedded"

_list:
    @just --list --unsorted

# Start PostgreSQL, the web process and a worker on this machine; Ctrl-C stops them
[group("try")]
[no-exit-message]
up *args:
    @tools/up "$@"

# Deploy a bundled service unattended and check each recorded event
[group("try")]
demo service="static-site": frontend
    {{ run }} python -m tools.demo {{ service }}

# Run the command `fastdeploy`: `./justw fastdeploy deploy hello --follow`
[group("try")]
[no-exit-message]
fastdeploy *args:
    @{{ run }} fastdeploy "$@"

# Build the frontend if it has changed, with npm or with Node.js from PyPI
[group("dev")]
frontend:
    @tools/build-frontend

# Run all tests, or those that are named
[group("check")]
test *args: frontend
    tools/prepare-tests
    {{ run }} --group callbacks pytest "$@"

# Run all tests, or those that are named, and report which lines of app/ they run
[group("check")]
coverage *args: frontend
    tools/prepare-tests
    tools/coverage "$@"

# Run the tests with every newer Python on this machine
[group("check")]
test-newer *args: frontend
    tools/test-newer "$@"

# Run the unit tests, which take seconds
[group("check")]
unit *args:
    {{ run }} pytest tests/unit "$@"

# Check Python, TypeScript, CSS, playbooks (which have no hosts here) and terminology
[group("check")]
check: frontend
    @[ -d frontend/node_modules ] || tools/npm ci --no-audit --no-fund
    tools/npm run --silent check
    {{ run }} ruff format --check
    {{ run }} ruff check
    {{ run }} mypy
    {{ run }} lint-imports --no-cache
    {{ run }} python -m tools.check_terms
    # ansible-lint checks the syntax of playbooks with the first ansible-playbook in PATH.
    ANSIBLE_HOST_PATTERN_MISMATCH=ignore {{ run }} sh -c 'PATH=$PWD/tools/bin:$PATH exec ansible-lint --strict services roles playbooks molecule'

# Format the code and apply automatic fixes
[group("dev")]
format: frontend
    @[ -d frontend/node_modules ] || tools/npm ci --no-audit --no-fund
    tools/npm run --silent format
    {{ run }} ruff format
    {{ run }} ruff check --fix

# Build the documentation, which FastDeploy serves at /docs; a broken link is an error
[group("docs")]
docs:
    @rm -rf app/web/docs
    uv run --frozen --extra embedded --group docs sphinx-build --fail-on-warning --nitpicky --fresh-env --quiet --doctree-dir var/doctrees docs app/web/docs
    @rm -rf app/web/docs/.buildinfo app/web/docs/_sources
    @find app/web/docs -name '*.map' -delete
    @echo "open app/web/docs/index.html, or /docs in FastDeploy"

# Take screenshots of every page: var/screenshots/index.html, and those in docs/pictures
[group("docs")]
screenshots: frontend
    tools/prepare-tests
    {{ run }} python -m tools.screenshots

# Compare the performance with ansible-playbook or (`--against DIR`) with another checkout
[group("check")]
bench *args: frontend
    {{ run }} python -m bench "$@"

# Measure 8 deployments with 300 viewers, slow downloads, searches and logins
[group("check")]
load *args: frontend
    {{ run }} python -m bench load "$@"

# Record random and hostile journals, and check every page and API response
[group("check")]
fuzz seconds="60": frontend
    FASTDEPLOY_FUZZ_SECONDS={{ seconds }} {{ run }} pytest --timeout=0 tests/integration/test_fuzz.py

# Kill the web process, the worker and PostgreSQL at random; check that no event is lost
[group("check")]
chaos *args:
    {{ run }} python -m tools.chaos "$@"

# Do the same for half a minute, with any number of kills, since slow machines manage few
[group("check")]
chaos-short:
    {{ run }} python -m tools.chaos --minutes 0.5 --seed 1 --kills 0

# Run what CI runs: cheap checks first, the roles on real hosts last
[group("check")]
ci:
    tools/ci

# Run the set-up of every stage of CI on a fresh Debian 12 in a folder (needs root)
[group("check")]
ci-fresh:
    tools/ci-fresh

# Run the set-up of every stage of CI on this machine
[group("check")]
ci-setup:
    tools/ci-setup

operate := "uv run --frozen --extra embedded --group operate"

# Register a service by its playbook: `./justw register-one hello -i hosts.yml --check`
[group("operate")]
[no-exit-message]
register-one name="" *args:
    @{{ operate }} tools/run-playbook register "$@"

# Register a project by a file with its variables: `./justw register-project infra.yml -i hosts.yml`
[group("operate")]
[no-exit-message]
register-project file *args:
    @file=$(cd "{{ invocation_directory() }}" && realpath -e -- "$1") && shift && {{ operate }} tools/run-playbook register project -e "@$file" "$@"

# Unregister a service from the hosts: `./justw unregister-one hello --confirm hello -i hosts.yml`
[group("operate")]
[no-exit-message]
unregister-one name="" option="" confirm="" *args:
    @tools/require-confirmation unregister-one "$1" "$2" "$3" && name=$1 && shift 3 && {{ operate }} tools/bin/ansible-playbook playbooks/unregister.yml -e fd_service_name="$name" -e fd_confirm_name="$name" "$@"

# List the registered services of each host: `./justw registered -i hosts.yml`
[group("operate")]
[no-exit-message]
registered *args:
    @{{ operate }} tools/bin/ansible-playbook playbooks/registered.yml "$@"

# Install or update a service by its playbook: `./justw deploy-one fastdeploy -i hosts.yml`
[group("operate")]
[no-exit-message]
deploy-one name="" *args:
    @{{ operate }} tools/run-playbook deploy "$@"

# Activate the previous release: `./justw rollback-one fastdeploy -i hosts.yml`
[group("operate")]
[no-exit-message]
rollback-one name="" *args:
    @{{ operate }} tools/run-playbook rollback "$@"

# Download an online backup as a single file: `./justw backup -i hosts.yml`
[group("operate")]
[no-exit-message]
backup *args:
    @{{ operate }} tools/bin/ansible-playbook playbooks/backup.yml "$@"

# Restore a backup on a new or an existing host: `./justw restore FILE -i hosts.yml --limit new`
[group("operate")]
[no-exit-message]
restore file *args:
    @file=$(cd "{{ invocation_directory() }}" && realpath -m "$1"); shift; {{ operate }} tools/bin/ansible-playbook playbooks/restore.yml -e fastdeploy_backup_file="$file" "$@"

# Remove FastDeploy for good: `./justw remove-one fastdeploy --confirm fastdeploy -i hosts.yml`
[group("operate")]
[no-exit-message]
remove-one name="" option="" confirm="" *args:
    @tools/require-confirmation remove-one "$1" "$2" "$3" && name=$1 && shift 3 && {{ operate }} tools/run-playbook remove "$name" -e fastdeploy_confirm_name="$name" "$@"

# Test a role on a host with systemd, in a container: `./justw molecule register`
[group("check")]
molecule scenario="register" command="test":
    @tools/molecule {{ scenario }} {{ command }}
