# One image for every role; the command says which: serve, worker QUEUE, ticker, migrate.

FROM python:3.11-slim-bookworm AS build
RUN apt-get update && apt-get install -y --no-install-recommends make && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN make env && .venv/bin/python -m pip wheel --no-deps --no-build-isolation --wheel-dir /wheels .

FROM python:3.11-slim-bookworm
RUN useradd --system --create-home --uid 10001 coupon && python -m venv /opt/coupon
COPY requirements-run.lock /tmp/
RUN /opt/coupon/bin/pip install --no-cache-dir --require-hashes --no-deps -r /tmp/requirements-run.lock
COPY --from=build /wheels /tmp/wheels
RUN /opt/coupon/bin/pip install --no-cache-dir --no-deps --no-index /tmp/wheels/*.whl && rm -r /tmp/wheels

# Nothing on disk has to last: the processes of one container sum their metrics here.
ENV PATH=/opt/coupon/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    COUPON_ENV=production \
    COUPON_HOST=0.0.0.0 \
    COUPON_STATE_DIR=/tmp/coupon
USER coupon
EXPOSE 8000
CMD ["coupon-service", "serve"]
