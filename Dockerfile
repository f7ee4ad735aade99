# The engine with local speech.  docker-compose.yml shows how it is meant to be published: on loopback only.

FROM python:3.13-slim AS build
WORKDIR /src
RUN python -m venv /opt/patter
COPY pyproject.toml README.md LICENSE ./
COPY patter_mcp patter_mcp
COPY engine engine
RUN /opt/patter/bin/pip install --no-cache-dir --disable-pip-version-check '.[local,postgres,ngrok]'

FROM python:3.13-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends flite \
    && rm -rf /var/lib/apt/lists/*
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /var/lib/patter --shell /usr/sbin/nologin patter \
    && install -d -o patter -g patter -m 0700 /var/lib/patter
COPY --from=build /opt/patter /opt/patter

ENV PATH=/opt/patter/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PATTER_HOME=/var/lib/patter \
    # A container's own loopback cannot be published.  What keeps strangers out is the address it is published on, and
    # the token.
    PATTER_HOST=0.0.0.0 \
    PATTER_CARRIER_HOST=0.0.0.0

USER patter
WORKDIR /var/lib/patter
VOLUME /var/lib/patter
EXPOSE 8000 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/health', timeout=2)"]
ENTRYPOINT ["getpatter", "serve"]
CMD ["--port", "8000", "--carrier-port", "8080"]
