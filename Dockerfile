# docker build -t vocalsep .                          for the CPU
# docker build -t vocalsep --build-arg TORCH=cu128 .  for NVIDIA GPUs: docker run --gpus all ...
# docker run --rm -v "$PWD:/songs" vocalsep song.mp3
# docker run --rm -p 127.0.0.1:7860:7860 vocalsep web --host 0.0.0.0   the page
FROM python:3.12-slim-bookworm AS build
ARG TORCH=cpu
WORKDIR /source
RUN python -m venv /venv \
    && /venv/bin/pip install --no-cache-dir torch --index-url "https://download.pytorch.org/whl/${TORCH}"
COPY pyproject.toml README.md LICENSE weights_manifest.json ./
COPY docs/models docs/models
COPY src src
# pip stays in this stage
RUN /venv/bin/pip install --no-cache-dir ".[web]" \
    && /venv/bin/pip uninstall --yes pip \
    && find /venv -name __pycache__ -prune -exec rm -r {} +

FROM python:3.12-slim-bookworm
LABEL org.opencontainers.image.title="vocalsep" \
      org.opencontainers.image.description="Split a song into vocals and accompaniment" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.source="https://github.com/vocalsep/vocalsep"
COPY --from=build /venv /venv
# caches lie in /tmp, the only folder beside /songs that a container with --read-only has to be able to write to
ENV PATH=/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/tmp \
    HF_HOME=/tmp/huggingface
RUN useradd --uid 1000 --no-create-home songs && mkdir /songs && chown songs /songs
USER 1000
WORKDIR /songs
ENTRYPOINT ["vocalsep"]
CMD ["--help"]
