#!/bin/bash
# Run by SageMaker, as root, at every start of a notebook. Of the file system only /home/ec2-user/SageMaker outlives a
# stop, so everything is written anew each time.
#
# What jobs of the notebook are held to has to be there, or the start fails: a notebook without it would only meet
# refusals. What is mere comfort may be missing.
set -euo pipefail
umask 022

#@values

# A test runs the script below a directory of its own.
ROOT="${SECUREML_ROOT:-}"
PAUSE="${SECUREML_PAUSE:-5}"
export ROOT
export PATH="${PATH:+$PATH:}/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
# The script has five minutes: an endpoint that does not answer must not use them up.
export AWS_RETRY_MODE=standard AWS_MAX_ATTEMPTS=2 AWS_PAGER=

say() {
  echo "secureml: $*"
}

# Writes files and reads tags: settings.py.
settings() {
  python3 -I -c "$SETTINGS_PY" "$@"
}

# The answer of AWS as JSON, at the third attempt at the latest.
ask() {
  local attempt
  for attempt in 1 2 3; do
    if aws "$@" --output json --cli-connect-timeout 5 --cli-read-timeout 15; then
      return 0
    fi
    say "no answer to aws $1 $2 (attempt $attempt)" >&2
    sleep "$PAUSE"
  done
  return 1
}

write_defaults() {
  NOTEBOOK=$(ask sagemaker describe-notebook-instance --notebook-instance-name "$NAME")
  ANSWER=$(ask ssm get-parameters --names "${PARAMETERS[@]}")
  export NOTEBOOK ANSWER CONFIG_YAML STARTUP_PY LOCAL_DISK_TYPES PIP_CONF MIRROR NETWORK_ISOLATION PROJECT ENVIRONMENT
  # IPython has this directory on the path of every kernel, and writes to it.
  if [[ $EUID -eq 0 ]] && id ec2-user >/dev/null 2>&1; then
    install -d -o ec2-user -g ec2-user "$ROOT/home/ec2-user/.ipython"{,/profile_default{,/startup}}
  fi
  settings files "${PARAMETERS[@]}"
}

# git signs commits with the owner that the notebook's tags name.
sign_commits() {
  local tags name email
  tags=$(ask sagemaker list-tags --resource-arn "$ARN") || return
  name=$(TAGS="$tags" settings tag NotebookOwnerUsername) || return
  email=$(TAGS="$tags" settings tag NotebookOwnerEmail) || return
  git config --file "$ROOT/etc/gitconfig" --replace-all -- user.name "$name" || return
  git config --file "$ROOT/etc/gitconfig" --replace-all -- user.email "$email"
}

# In the kernel's own environment, as its user. The script has five minutes, of which pip gets half.
install_packages() {
  local python="$ROOT/home/ec2-user/anaconda3/envs/python3/bin/python"
  local as=()
  if [[ ${#PACKAGES[@]} -eq 0 ]]; then
    return 0
  fi
  if [[ $EUID -eq 0 ]] && id ec2-user >/dev/null 2>&1; then
    as=(runuser -u ec2-user --)
  fi
  # Bash 4.2 takes an empty list for an unset variable.
  ${as[@]+"${as[@]}"} timeout 150 "$python" -m pip install --no-input --quiet --retries 1 --timeout 15 -- "${PACKAGES[@]}"
}

restart_jupyter() {
  systemctl restart --no-block jupyter-server
}

say "start script $VERSION of project $PROJECT-$ENVIRONMENT"
METADATA=$(<"$ROOT/opt/ml/metadata/resource-metadata.json")
export METADATA
NAME=$(settings metadata ResourceName)
ARN=$(settings metadata ResourceArn)
AWS_DEFAULT_REGION=$(cut -d: -f4 <<<"$ARN")
export AWS_DEFAULT_REGION
mkdir -p "$ROOT/etc"
write_defaults
sign_commits || say "git does not know who the notebook's owner is" >&2
install_packages || say "not installed: ${PACKAGES[*]}" >&2
restart_jupyter || say "Jupyter could not be restarted" >&2
say "done"
