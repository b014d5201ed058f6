# FastDeploy: every command that a person types. `./justw` alone lists them.

set positional-arguments

run := "uv run --frozen --extra embedded"

_list:
    @just --list --unsorted

# Start everything on this machine: PostgreSQL, web and worker; Ctrl-C stops it
[group("try")]
[no-exit-message]
up *args:
    @tools/up "$@"

# Deploy a bundled service without a person and check the record, event by event
[group("try")]
demo service="static-site": frontend
    {{ run }} python -m tools.demo {{ service }}

# Run FastDeploy's own command: `./justw fastdeploy deploy hello --follow`
[group("try")]
[no-exit-message]
fastdeploy *args:
    @{{ run }} fastdeploy "$@"

# Build the frontend if it has changed: with npm, or with the Node.js that PyPI has
[group("dev")]
frontend:
    @tools/build-frontend

# Run the tests: all of them, or those that are named
[group("check")]
test *args: frontend
    tools/prepare-tests
    {{ run }} --group callbacks pytest "$@"

# Run the tests on every newer Python of this machine too
[group("check")]
test-newer *args: frontend
    tools/test-newer "$@"

# Run the tests that need nothing but Python, in seconds
[group("check")]
unit *args:
    {{ run }} pytest tests/unit "$@"

# Format, lint, types, imports, and the playbooks (whose hosts are none here)
[group("check")]
check:
    {{ run }} ruff format --check
    {{ run }} ruff check
    {{ run }} mypy
    {{ run }} lint-imports --no-cache
    ANSIBLE_HOST_PATTERN_MISMATCH=ignore {{ run }} ansible-lint --strict services roles playbooks molecule

# Format the code, and mend what can be mended
[group("dev")]
format:
    {{ run }} ruff format
    {{ run }} ruff check --fix

# Build the documentation as a site in var/docs; a broken link fails
[group("docs")]
docs:
    uv run --frozen --extra embedded --group docs sphinx-build --fail-on-warning --nitpicky --fresh-env --quiet docs var/docs
    @echo "open var/docs/index.html"

# Make pictures of every page: var/screenshots/index.html, and those that docs/ shows
[group("docs")]
screenshots: frontend
    tools/prepare-tests
    {{ run }} python -m tools.screenshots

# Measure FastDeploy beside bare ansible-playbook, or (`--against DIR`) another checkout
[group("check")]
bench *args: frontend
    {{ run }} python -m bench "$@"

# Measure 8 deployments beside 300 viewers, slow downloads, searches and logins
[group("check")]
load *args: frontend
    {{ run }} python -m bench load "$@"

# Print random and hostile journals, and look at every page and answer about them
[group("check")]
fuzz seconds="60": frontend
    FASTDEPLOY_FUZZ_SECONDS={{ seconds }} {{ run }} pytest --timeout=0 tests/integration/test_fuzz.py

# Kill web, worker and PostgreSQL at random moments, and find every event all the same
[group("check")]
chaos *args:
    {{ run }} python -m tools.chaos "$@"

# The same for a minute, however few the kills: a slow machine does less
[group("check")]
chaos-short:
    {{ run }} python -m tools.chaos --minutes 1 --seed 1 --kills 0

# What CI runs: what is cheap first, and last the roles on real hosts, attacked and killed
[group("check")]
ci:
    tools/ci

operate := "uv run --frozen --extra embedded --group operate"

# Register a service by its playbook: `./justw register-one hello -i hosts.yml --check`
[group("operate")]
[no-exit-message]
register-one name="" *args:
    @{{ operate }} tools/playbook register "$@"

# Unregister a service from the hosts: `./justw unregister-one hello --confirm hello -i hosts.yml`
[group("operate")]
[no-exit-message]
unregister-one name="" option="" confirm="" *args:
    @tools/require-confirmation unregister-one "$1" "$2" "$3" && name=$1 && shift 3 && {{ operate }} ansible-playbook playbooks/unregister.yml -e fd_service_name="$name" -e fd_confirm_name="$name" "$@"

# List what is registered on the hosts of the inventory: `./justw registered -i hosts.yml`
[group("operate")]
[no-exit-message]
registered *args:
    @{{ operate }} ansible-playbook playbooks/registered.yml "$@"

# Install or update a service by its playbook: `./justw deploy-one fastdeploy -i hosts.yml`
[group("operate")]
[no-exit-message]
deploy-one name="" *args:
    @{{ operate }} tools/playbook deploy "$@"

# Go back to the release before: `./justw rollback-one fastdeploy -i hosts.yml`
[group("operate")]
[no-exit-message]
rollback-one name="" *args:
    @{{ operate }} tools/playbook rollback "$@"

# Fetch one file with all that FastDeploy is, while it serves: `./justw backup -i hosts.yml`
[group("operate")]
[no-exit-message]
backup *args:
    @{{ operate }} ansible-playbook playbooks/backup.yml "$@"

# Bring it back, on a bare host too: `./justw restore FILE -i hosts.yml --limit new`
[group("operate")]
[no-exit-message]
restore file *args:
    @file=$(cd "{{ invocation_directory() }}" && realpath -m "$1"); shift; {{ operate }} ansible-playbook playbooks/restore.yml -e fastdeploy_backup_file="$file" "$@"

# Remove FastDeploy for good: `./justw remove-one fastdeploy --confirm fastdeploy -i hosts.yml`
[group("operate")]
[no-exit-message]
remove-one name="" option="" confirm="" *args:
    @tools/require-confirmation remove-one "$1" "$2" "$3" && name=$1 && shift 3 && {{ operate }} tools/playbook remove "$name" -e fastdeploy_confirm_name="$name" "$@"

# Try a role on a real host with systemd, in a container: `./justw molecule register`
[group("check")]
molecule scenario="register" command="test":
    tools/system-host prepare
    uv run --frozen --extra embedded --group molecule molecule {{ command }} --scenario-name {{ scenario }}
