"""What `import chipdse` offers: one point, and a sweep with its study."""
