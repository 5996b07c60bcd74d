# One static program in an empty image, for a user that is nobody.
FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o /out/egide ./cmd/egide \
 && mkdir -p /out/rootfs/etc/egide/clients /out/rootfs/etc/ssl/certs /out/rootfs/var/lib/egide \
 && install -d -m 1777 /out/rootfs/tmp \
 && cp /etc/ssl/certs/ca-certificates.crt /out/rootfs/etc/ssl/certs/ \
 && chown -R 65532:65532 /out/rootfs/var/lib/egide

FROM scratch
COPY --from=build /out/rootfs /
COPY --from=build /out/egide /egide
USER 65532:65532
VOLUME ["/var/lib/egide"]
EXPOSE 8080
# Asks the running node over its admin socket: there is no shell and no curl here.
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 CMD ["/egide", "health", "--config", "/etc/egide/egide.yaml"]
ENTRYPOINT ["/egide"]
CMD ["serve", "--config", "/etc/egide/egide.yaml", "--log-format", "json"]
