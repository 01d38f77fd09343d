ghz -c 10 -n 500 \
  --connections 2 orders:50051
