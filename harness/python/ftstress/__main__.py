from ftstress import main

main()
