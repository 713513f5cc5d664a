"""Words that tell an organization from a person.

All lists hold singulars in lower case; a plural in -s is understood. Chosen by hand from trades, institutions, what
recurs in public lists of licenses and permits, and the usual given names of the United States.
"""

from typing import Final

_ORGANIZATIONS: Final = """
academy account accounting acquisition admin administration advisors advisory agency alliance apartment apts assn
assoc associate associated association authority baptist board bros brother brotherhood bureau business campaign
candidate cathedral catholic caucus cemetery center centre chapel chapter charity church citizens civic club coalition
college comm commerce commission committee commonwealth community companies company condo condominium conference
congregation consortium constructor consultant consulting coop cooperative corporate council county ctr democrat
democratic department dept diocese district division elem elementary employee enterprise entertainment episcopal
establishment estate evangelical exchange executive federation fellowship fire firefighter firm foundation fraternity
friends fund gop gov government group guild hoa holding homeowner hospital hotel hq hs industrial industries industry
initiative inn institute institution insurance international intl isd joint lab labor laboratories laboratory league
legislative library limited local lutheran management methodist mgmt ministries ministry mission municipal museum
nation national network nonprofit office org organization owner pac partner partnership party police political
presbyterian preschool professional program project properties property republican resident resource school seminary
serv service servicing sociedad society solution sons sorority state station store studio subsidiary supplier supply
svc synagogue syndicate system taxpayer team teamsters tribal tribe trs trust union unit university unlimited usa
utility vendor venture village voters worker ymca ywca
"""

_TRADES: Final = """
ac acoustic acoustical advertising aerospace ag agricultural agriculture air airconditioning airline airport alarm
aluminum ambulance anesthesia antique appliance appraisal arborist architect architectural architecture artist arts
asphalt attorney auction audio auto automation automotive aviation bakery bank banking bar barbecue barbershop bbq
beauty bedding beer beverage bicycle bike bindery biotech bistro boat book bookstore boutique brewery brewing brick
broker brokerage builder building cab cabinet cabinetry cable cafe cafeteria capital car cardiology care carniceria
carpentry carpet cartage casa casino catering cellular ceramic charter chemical chicken childcare chiropractic cigar
cinema cleaner cleaning clinic cloth clothing cocktail coffee collision com commercial communication computer
computing concept concession concrete confection const construct construction contract contracting contractor control
convenience cookie cooling corner cosmetic counsel counseling courier creative credit cuisine culinary currency custom
dairy dance data daycare deck decorating decorator deli demolition dental dentistry depot dermatology design designer
detail detective develop developer development diagnostic digital diner direct discount distributing distribution
distributor dojo door drafting drain drainage drilling drugs drywall earthwork education educational elec electric
electrical electrician electronic elevator energy engineer engineered engineering environment environmental equipment
equities equity erector escrow event excavating excavation exhibit export express exterior extermination eyewear
fabrication fabricator facility factory fashion federal fence fencing film finance financial finish fitness fitters
fixture floor flooring florist food footwear freight fuel funding funeral furnishing furniture gallery game garage gas
general gift glazing global golf goods gourmet grading granite graphic grill grille grocer grocery growth gutter gym
hair hairdresser handyman hardware hardwood health healthcare heating heavy herbal home homebuilder hookah hospitality
housing htg hvac hydraulic ice image imaging implement import improvement indoor information innovation inspection
installation installer instrument insulation integrated integration intelligence interactive interior internet
investment investor iron irrigation janitorial jeweler jeweller jewelry karate kitchen landscape landscaper
landscaping laser laundry lawn lawyer leasing legal lending lighting limo limousine liquor logistic lounge lumber
machine machinery magazine mail maintenance manufacturer manufacturing marble marine market marketing masonry massage
material meat mech mechanical media mediation medical medicine metal micro mining mobility modular mortgage motel
motor movers moving muffler music nail nursery nursing nutrition oil online operating operation optical optometry
orthodontics orthopedic outdoor outfitters outlet packaging paint painting pantry paper parking pathology patio paving
pawn payroll pediatric performance pest pet petroleum pharma pharmaceutical pharmacy photo photography physical
physician picture pier pipeline piping pizza pizzeria planning plastic plating plaza plumb plumber plumbing podiatry
pools press print printer printing private process produce product production promotion pub publication publisher
publishing pump quality radio radiology rail railroad railway ranch realtor realty recovery recycling refinery
refining refrigeration rehab rehabilitation reinsurance remediation remodel remodeler remodeling renewable renovation
rental repair research residence residential resort restaurant restoration retail retirement review roof roofing
rooter rubber rug safety sales salon sanitary sanitation sausage savings science scientific seafood securities
security senior sewer shelter shipping shipyard shoe shop shopping siding sign signage site skate skin software solar
sound spa specialist specialties specialty sport sprinkler stadium staffing stationery storage structural structure
studios sub subway super supermarket surgery surgical survey surveying surveyor sushi taco tanning taqueria tavern tax
taxi tech technical technologies technology tel telecom telecommunication telephone television textile theater theatre
therapeutics therapy tile timber tire tobacco tool tour tourism towing toy trading trailer training transit transport
transportation travel tree truck trucking tutoring tv upholstery urban used valuation vegan vehicle vending veterinary
video vintage warehouse waste water waterproofing web welding wellness wholesale window wine wireless woodwork
woodworking workforce works workshop world yacht yoga zoo
"""

_EPITHETS: Final = """
accurate advance advanced affiliated affordable allied alpha america american apex asian atlantic bargain better
boston builders california capitol central chicago chinese choice city classic climate colorado complete continental
cool creek dba delta dynamic eastern eco elite emerald empire enterprises european fast first four fresh friendly gmbh
great greater heartland hispanic hometown ideal il illinois indian infinity innovative integrity italian kentucky
lakeside lakeview latino liberty lone lonestar longhorn maryland metro metropolitan mexican mexico michigan midwest
midwestern minnesota mountain mutual native new northeast northeastern northside northwest northwestern ohio one
optimum original pacific pennsylvania perfect pioneer plus portland precision preferred premier premiere prestige pro
rapid regional reliable residents riverside seattle select signature solid south southeast southeastern southern
southside southwest southwestern special springfield square standard sunrise sunset superior supreme texas the third
three titan total tri twin two ultimate united universal us vanguard vision western wisconsin york your
"""

_NAMES_TOO: Final = """
abbey angel art austin banks barber bay beach bell best big bishop blue bond brand bridge brook brooklyn burger
butcher butler candy carolina carpenter cash castle chamber chef chelsea comfort cook court crane cross crystal dakota
dallas day dean denver diamond dollar eagle east england english faith family farm farmer field fish florida flower
forest fox french friend garden gate georgia glass gold golden grace grand grant green grove hall happy harbor heights
hill holiday holland holy hope house houston indiana ireland island jackson jasmine jefferson jet jones joy justice
king lake land lane law legacy light lincoln line lion lodge london love lucky madison main major marina mart mason
master mill miller mobile model monument moon mount noble north northern oak ocean old page palace paris parish park
pearl people phoenix place plant plaster point pool post potter power price prince quick real record red rich ridge
ring river rock rocky roman room root rose royal ruby sacred saint san savannah shore sienna signal silk silver sky
small smart smith son spring st star states steel sterling stone street summer summit sun swift taylor temple thai
tower town trade trinity tyler valley victory virginia vista washington wear wells west white wild wolf wood wright
young
"""

_GIVEN_NAMES: Final = """
aaron abigail adam adrian alan albert alejandro alex alexander alexandra alfred alice alicia allan allen allison alma
amanda amber amy ana andre andrea andrew andy angel angela ann anna anne annette annie anthony antonio april armando
arthur ashley barbara barry beatrice ben benjamin bernard bertha beth betty beverly bill billy bob bobby bonnie brad
bradley brandon brenda brent brett brian bruce bryan carl carla carlos carmen carol caroline carolyn carrie catherine
cathy cecil chad charlene charles charlie charlotte cheryl chester chris christian christina christine christopher
cindy claire clara clarence claude clifford clinton connie corey craig crystal curtis cynthia dale dan daniel danielle
danny darlene darrell daryl dave david dawn dean deborah debra denise dennis derek diana diane diego don donald donna
doris dorothy doug douglas duane dustin dwayne earl eddie edgar edith edna eduardo edward edwin eileen elaine eleanor
elizabeth ella ellen elsie emily emma enrique eric erica erik erin ernest esther ethel eugene eva evan evelyn felix
fernando florence frances francis francisco frank franklin fred frederick gabriel gail gary gene george gerald
geraldine gilbert gina gladys glen glenn gloria gordon grace greg gregory guadalupe guy harold harry harvey hazel
heather hector heidi helen henry herbert herman holly howard hugh hugo ian ida irene isaac ivan jack jackie jacob
jacqueline jaime james jamie jane janet janice jared jason javier jay jean jeanette jeff jeffrey jennifer jenny jeremy
jerome jerry jesse jessica jesus jill jim jimmy joan joann joanne joe joel johanna john johnny jon jonathan jordan
jorge jose joseph joshua joyce juan juanita judith judy julia julian julie julio june justin karen karl kate katherine
kathleen kathryn kathy katie keith kelly ken kenneth kevin kim kimberly kirk kristen kristin kurt kyle larry laura
lauren laurie lawrence leah lee leo leon leonard leroy leslie lester lewis lillian linda lisa lloyd lois lonnie
loretta lori louis louise lucille lucy luis lydia lynn madeline manuel marc marcia marcus margaret maria marie marilyn
mario marion marjorie mark marlene marsha marshall martha martin marvin mary matt matthew maureen maurice max megan
melanie melissa melvin michael michele michelle miguel mike mildred milton minnie monica nancy natalie nathan
nathaniel neil nicholas nicole nina norma norman oliver olivia oscar pamela patricia patrick paul paula pauline pedro
peggy penny perry peter philip phillip phyllis rachel ralph ramon randall randy raul ray raymond rebecca regina rene
renee ricardo richard rick ricky rita robert roberta roberto robin rodney roger roland ron ronald ronnie rosa rosemary
ross roy ruben russell ruth ryan sally salvador sam samantha samuel sandra sara sarah scott sean sergio seth shane
shannon sharon shaun shawn sheila shelly sherry shirley sidney simon sophia stacy stanley stella stephanie stephen
steve steven stuart sue susan suzanne sylvia tamara tammy tanya tara ted teresa terrence terri terry thelma theodore
theresa thomas tiffany tim timothy tina todd tom tommy toni tony tonya tracy travis tyler valerie vanessa vera vernon
veronica vicki vickie victor victoria vincent viola violet virgil virginia vivian wade wallace walter wanda warren
wayne wendy wesley william willie wilma yolanda yvonne zachary
"""

#: Beginnings of such words, for names cut off, abbreviated and misspelled ("Austin Constuction", "Refrig").
BUSINESS_STEMS: Final = (
    *(
        "architect",
        "associat",
        "communic",
        "construc",
        "construt",
        "constuc",
        "consult",
        "contract",
        "contruc",
        "develop",
    ),
    *(
        "distrib",
        "electic",
        "electr",
        "engineer",
        "enterpri",
        "enviro",
        "equipm",
        "financ",
        "industr",
        "insur",
        "invest",
    ),
    *("landsc", "managem", "managm", "manufact", "mechanic", "plumb", "propert", "refrig", "remod", "renov", "restaur"),
    *("restor", "servic", "techno", "transport"),
)

#: Practically never anyone's name: one such word makes an organization.
BUSINESS: Final = frozenset((_ORGANIZATIONS + _TRADES + _EPITHETS).split())

#: Trades, places and virtues that are names too (Baker, Park, Grace): they speak for an organization only together.
AMBIGUOUS: Final = frozenset(_NAMES_TOO.split())

#: Speak for a person where nothing else decides.
GIVEN_NAMES: Final = frozenset(_GIVEN_NAMES.split())
