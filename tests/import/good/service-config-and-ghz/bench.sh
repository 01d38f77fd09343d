ghz --lb-strategy=round_robin -t 5s -c 10 -n 1000 dns:///orders:50051
