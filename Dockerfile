# The PyTorch wheels bring their own CUDA libraries, so a plain Python image with the NVIDIA runtime is enough.
FROM python:3.11-slim-trixie AS build
RUN pip install --no-cache-dir uv==0.13.8
ENV UV_COMPILE_BYTECODE=1
WORKDIR /app
COPY requirements.txt .
RUN uv venv /venv && VIRTUAL_ENV=/venv uv pip install --no-cache -r requirements.txt && \
    VIRTUAL_ENV=/venv uv pip install --no-cache "psycopg[binary]==3.3.9"

FROM python:3.11-slim-trixie AS base
# For the backup of a PostgreSQL server, of the version that compose.yaml has.
# hadolint ignore=DL3008
RUN apt-get update && apt-get install -y --no-install-recommends postgresql-client-17 && rm -rf /var/lib/apt/lists/*
RUN useradd --create-home --uid 10001 graft && mkdir /data /served && chown graft:graft /data /served
COPY --from=build /venv /venv
WORKDIR /app
COPY . .
# The user of the image cannot write beside the code: what is not compiled here is compiled at each start of a worker.
RUN python -m compileall -q app.py pages tl_core
USER 10001
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 HOME=/data TL_HOME=/data TL_ADDRESS=0.0.0.0 \
    HF_HOME=/data/hub HF_HUB_DISABLE_TELEMETRY=1 NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility

# docker build --target serve: one bundle behind HTTP, mounted read-only at /bundle. Its token comes from TL_SERVE_TOKEN.
FROM base AS serve
ENV HF_HUB_OFFLINE=1
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/health', timeout=4)"]
STOPSIGNAL SIGTERM
CMD ["python", "-m", "tl_core", "serve", "/bundle", "--host", "0.0.0.0", "--port", "8000"]

FROM base
VOLUME /data
EXPOSE 8501
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8501/api/ready', timeout=4)"]
CMD ["python", "-m", "pages.shell.launch", "--port", "8501"]
