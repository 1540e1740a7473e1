# A worker on a machine with a GPU: it takes runs from the pool simmotion-gpu, one at a time (docs/TEAMS.md).
#   docker build --tag simmotion-gpu .
#   docker run --gpus all --env PREFECT_API_URL --env-file keys.env simmotion-gpu
# The wheels of torch bring CUDA; the host brings the driver and the NVIDIA Container Toolkit.
FROM python:3.11-slim-bookworm

# Deployments run where their worker was started, and exec, unlike a shell, does not say where that is.
WORKDIR /simmotion
ENV PWD=/simmotion \
    PATH=/simmotion/.venv/bin:$PATH \
    HF_HOME=/weights \
    PYTHONUNBUFFERED=1

# As the Makefile does it. What is heavy and changes seldom comes first.
COPY pyproject.toml constraints.txt ./
RUN python3 -m venv .venv \
    && .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-cache-dir \
        --constraint constraints.txt torch
COPY README.md LICENSE ./
COPY data data
COPY prompts prompts
COPY generators generators
COPY annotation annotation
COPY moments moments
COPY flows flows
RUN .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-cache-dir \
        --constraint constraints.txt --editable .

# Data sets and weights outlive the container in volumes; nothing else is written to.
RUN useradd --create-home --uid 1000 simmotion \
    && install --directory --owner simmotion out /weights
VOLUME ["/simmotion/out", "/weights"]
USER 1000

ENTRYPOINT ["prefect", "worker", "start", "--type", "process", "--pool", "simmotion-gpu", "--limit", "1"]
